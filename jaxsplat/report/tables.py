"""The table of metrics, as text and as the cells that the page shows too."""

import dataclasses
from collections.abc import Mapping

UNDEFINED = "n/a"


@dataclasses.dataclass(frozen=True)
class Column:
    """A number of metrics.json in a table.

    Attributes:
        header: what it is, with its unit.
        keys: where it stands in a category's record.
        decimals: digits after the point.
        factor: what it is multiplied with for people, such as 100 for per cent.
    """

    header: str
    keys: tuple[str, ...]
    decimals: int
    factor: float = 1.0


COLUMNS = (
    Column("image AUROC", ("image_auroc",), 3),
    Column("pixel AUROC", ("pixel_auroc",), 3),
    Column("AUPRO", ("aupro",), 3),
    Column("pixel AP", ("pixel_ap",), 3),
    Column("PSNR dB", ("psnr",), 2),
    Column("Gaussians", ("gaussians",), 0),
    Column("rot. deg", ("pose", "rotation_deg_median"), 3),
    Column("transl. %", ("pose", "translation_rel_median"), 3, 100.0),
    Column("pose ok %", ("pose", "success_rate"), 1, 100.0),
    Column("fit s", ("seconds", "fit"), 1),
    Column("query s", ("seconds", "per_query", "total"), 2),
    Column("compile s", ("seconds", "compile"), 1),
    Column("queries", ("queries",), 0),
)


def number(record: object, column: Column) -> float | None:
    """Returns a column's number from a category's record, None where undefined."""
    for key in column.keys:
        record = record.get(key) if isinstance(record, Mapping) else None
    return float(record) if isinstance(record, int | float) else None


def cell(record: object, column: Column) -> str:
    """Returns a column's number as text, `n/a` where it is undefined."""
    value = number(record, column)
    if value is None:
        return UNDEFINED
    return f"{value * column.factor:,.{column.decimals}f}"


def rows(metrics: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    """Returns name and record of each category, then the mean when there are several.

    Args:
        metrics: the content of metrics.json.
    """
    categories, mean = metrics["categories"], metrics["mean"]
    assert isinstance(categories, Mapping) and isinstance(mean, Mapping)
    means = [("mean", mean)] if len(categories) > 1 else []
    return [*categories.items(), *means]


def reasons(metrics: Mapping[str, object]) -> list[str]:
    """Returns a sentence for each metric of each category that is undefined."""
    return [
        f"{name}: {metric} is {UNDEFINED}: {reason}"
        for name, record in rows(metrics)
        for metric, reason in _reasons(record).items()
    ]


def text_table(metrics: Mapping[str, object]) -> str:
    """Returns the metrics as lines of text, with reasons for what is undefined.

    Args:
        metrics: the content of metrics.json.
    """
    lines = [["category", *(column.header for column in COLUMNS)]]
    for name, record in rows(metrics):
        shown = "".join(c if c.isprintable() else "?" for c in name)
        lines.append([shown, *(cell(record, column) for column in COLUMNS)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    table = [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [text.rjust(width) for text, width in zip(line[1:], widths[1:])]
        ).rstrip()
        for line in lines
    ]
    return "\n".join([table[0], "-" * len(table[0]), *table[1:], *reasons(metrics)])


def _reasons(record: Mapping[str, object]) -> Mapping[str, object]:
    found = record.get("reasons", {})
    return found if isinstance(found, Mapping) else {}
