"""The table of metrics, as text and as the cells that the page shows too."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

UNDEFINED = "n/a"


@dataclasses.dataclass(frozen=True)
class Column:
    """A number of metrics.json in a table.

    Attributes:
        header: what it is, with its unit.
        keys: where it stands in a category's record.
        decimals: digits after the point.
        factor: what it is multiplied with for people, such as 100 for per cent.
        brief: whether it stands in the table on a terminal, too.
    """

    header: str
    keys: tuple[str, ...]
    decimals: int
    factor: float = 1.0
    brief: bool = True


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        name: of the category, or `mean`.
        record: its numbers as metrics.json has them, empty where it failed.
        kind: what the line stands for.
    """

    name: str
    record: Mapping[str, object]
    kind: Literal["object", "failed", "mean"]


COLUMNS = (
    Column("image AUROC", ("image_auroc",), 3),
    Column("pixel AUROC", ("pixel_auroc",), 3),
    Column("AUPRO", ("aupro",), 3),
    Column("pixel AP", ("pixel_ap",), 3),
    Column("image F1-max", ("image_f1_max",), 3, brief=False),
    Column("pixel F1-max", ("pixel_f1_max",), 3, brief=False),
    Column("AUPIMO", ("aupimo",), 3, brief=False),
    Column("false alarms %", ("verdict", "fpr"), 1, 100.0, brief=False),
    Column("found %", ("verdict", "detection_rate"), 1, 100.0, brief=False),
    Column("not judged %", ("verdict", "not_judged"), 1, 100.0, brief=False),
    Column("part AUROC", ("parts", "auroc"), 3, brief=False),
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


def rows(metrics: Mapping[str, object]) -> list[Row]:
    """Returns a row for each category, also failed ones, then the mean of several.

    Args:
        metrics: the content of metrics.json.
    """
    categories, mean = metrics["categories"], metrics["mean"]
    assert isinstance(categories, Mapping) and isinstance(mean, Mapping)
    means = [Row("mean", mean, "mean")] if len(categories) > 1 else []
    return [
        *(Row(name, record, "object") for name, record in categories.items()),
        *(Row(name, {}, "failed") for name in failures(metrics)),
        *means,
    ]


def failures(metrics: Mapping[str, object]) -> Mapping[str, str]:
    """Returns for each category that failed why it did."""
    found = metrics.get("failed", {})
    return found if isinstance(found, Mapping) else {}


def reasons(metrics: Mapping[str, object]) -> list[str]:
    """Returns a sentence for each failed category and each undefined metric."""
    failed = [f"{name} failed: {why}" for name, why in failures(metrics).items()]
    undefined = [
        f"{row.name}: {metric} is {UNDEFINED}: {why}"
        for row in rows(metrics)
        for metric, why in _reasons(row.record).items()
    ]
    return failed + undefined


def text_table(metrics: Mapping[str, object]) -> str:
    """Returns the metrics as lines of text, with reasons for what is missing.

    Args:
        metrics: the content of metrics.json.
    """
    columns = [column for column in COLUMNS if column.brief]
    lines = [["category", *(column.header for column in columns)]]
    for row in rows(metrics):
        cells = [cell(row.record, column) for column in columns]
        lines.append([_printable(row.name), *cells])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    table = [
        "  ".join(
            [line[0].ljust(widths[0])]
            + [text.rjust(width) for text, width in zip(line[1:], widths[1:])]
        ).rstrip()
        for line in lines
    ]
    notes = [_printable(text) for text in reasons(metrics)]
    return "\n".join([table[0], "-" * len(table[0]), *table[1:], *notes])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _reasons(record: Mapping[str, object]) -> Mapping[str, object]:
    found = record.get("reasons", {})
    return found if isinstance(found, Mapping) else {}
