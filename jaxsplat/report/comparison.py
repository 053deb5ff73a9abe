"""Two runs side by side: their metrics, and the queries that they judge differently."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from jaxsplat.errors import DataError
from jaxsplat.report import (
    figures,
    files,
    html_pictures,
    html_templates,
    names,
    result_lines,
    results,
    tables,
)
from jaxsplat.report.html_pictures import Inlined

_METRICS = "metrics.json"
# Queries whose pictures are shown; others are listed.
_MOST_SHOWN = 200
_SIDE = 192  # pixels of a picture's longer side
_WORDS = {None: "no verdict", False: "good", True: "defective"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """A metric of both runs as text, and the second less the first, "" if none is."""

    first: str
    second: str
    change: str


@dataclasses.dataclass(frozen=True)
class Difference:
    """A query that one run judges in another way than the other.

    Attributes:
        category: of the query.
        name: of the query.
        truth: its true kind, "" where not known.
        first: verdict, score and what else the first run says, in words.
        second: of the second run.
        pictures: the photograph, and both maps, as far as they are at hand.
    """

    category: str
    name: str
    truth: str
    first: str
    second: str
    pictures: tuple[Inlined, ...] = ()


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        columns: headers of the metrics.
        rows: name of each category that both have, and its metrics.
        differences: queries that are judged differently.
        queries: that both have.
        notes: what only one of them has, a sentence each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    differences: tuple[Difference, ...]
    queries: int
    notes: tuple[str, ...]


def compare(first: pathlib.Path, second: pathlib.Path) -> Comparison:
    """Returns two finished runs side by side.

    Args:
        first: folder of a run.
        second: of another one.

    Raises:
        DataError: one of them holds no finished run, or they share no category.
    """
    records = _record(first), _record(second)
    rows = [
        {row.name: row.record for row in tables.rows(record) if row.kind != "failed"}
        for record in records
    ]
    shared = [name for name in rows[0] if name in rows[1]]
    categories = [name for name in shared if name in _categories(records[0])]
    if not categories:
        raise DataError(f"{first} and {second}: share no category that both finished")
    alone = [
        f"only {folder} has {name}"
        for folder, mine, other in (
            (first, rows[0], rows[1]),
            (second, rows[1], rows[0]),
        )
        for name in mine
        if name not in other and name != "mean"
    ]
    differences, queries = [], 0
    for name in categories:
        found, count = _differences(name, first, second)
        differences += found
        queries += count
    return Comparison(
        tuple(column.header for column in tables.COLUMNS),
        tuple((name, _cells(rows[0][name], rows[1][name])) for name in shared),
        tuple(differences),
        queries,
        tuple(alone),
    )


def page(found: Comparison, first: pathlib.Path, second: pathlib.Path) -> Iterator[str]:
    """Yields the page that shows it, in pieces.

    Args:
        found: see `compare`.
        first: folder of the first run.
        second: of the second one.
    """
    shown = [
        dataclasses.replace(one, pictures=_pictures(one, first, second))
        for one in found.differences[:_MOST_SHOWN]
    ]
    return html_templates.render(
        "comparison.html",
        title="Two runs side by side",
        subtitle=f"first {first} · second {second}",
        tiles=[
            (str(len(found.differences)), "queries judged differently"),
            (str(found.queries), "queries that both have"),
        ],
        found=found,
        shown=shown,
        others=found.differences[_MOST_SHOWN:],
    )


def text(found: Comparison) -> str:
    """Returns the changes of each category's metrics as lines, and the differences."""
    lines = []
    for name, cells in found.rows:
        told = [
            f"{column} {cell.first} -> {cell.second}"
            for column, cell in zip(found.columns, cells, strict=True)
            if cell.change and cell.first != cell.second
        ]
        lines.append(f"{name}: {', '.join(told) or 'the same'}")
    for one in found.differences:
        lines.append(f"{one.category}/{one.name}: {one.first} -> {one.second}")
    return "\n".join(lines)


def _record(run: pathlib.Path) -> dict[str, Any]:
    record = files.read_json(run / _METRICS)
    if not (isinstance(record, dict) and isinstance(record.get("categories"), dict)):
        raise DataError(f"{run / _METRICS}: is not the metrics.json of a run")
    return record


def _categories(record: Mapping[str, Any]) -> Mapping[str, object]:
    found = record["categories"]
    assert isinstance(found, Mapping)
    return found


def _cells(first: object, second: object) -> tuple[Cell, ...]:
    made = []
    for column in tables.COLUMNS:
        numbers = tables.number(first, column), tables.number(second, column)
        change = ""
        if numbers[0] is not None and numbers[1] is not None:
            by = (numbers[1] - numbers[0]) * column.factor
            by = round(by, column.decimals) + 0.0  # no minus before zeros
            change = f"{by:+,.{column.decimals}f}"
        texts = tables.cell(first, column), tables.cell(second, column)
        made.append(Cell(*texts, change))
    return tuple(made)


def _differences(
    category: str, first: pathlib.Path, second: pathlib.Path
) -> tuple[list[Difference], int]:
    """Returns the queries with another verdict, and how many both runs have."""
    folder = names.safe_name(category)
    lines = [
        result_lines.peek(run / folder / results.RESULTS) for run in (first, second)
    ]
    shared = [name for name in lines[0] if name in lines[1]]
    found = []
    for name in shared:
        one, other = lines[0][name], lines[1][name]
        if one.get("defective") != other.get("defective"):
            truth = one.get("defect_type") or ""
            found.append(
                Difference(category, name, str(truth), _told(one), _told(other))
            )
    return found, len(shared)


def _told(result: Mapping[str, Any]) -> str:
    score, reason = result.get("score"), result.get("reason")
    parts = [_WORDS[result.get("defective")]]
    if score is not None:
        parts.append(f"score {score:.4g}")
    if reason:
        parts.append(str(reason))
    return ", ".join(parts)


def _pictures(
    one: Difference, first: pathlib.Path, second: pathlib.Path
) -> tuple[Inlined, ...]:
    folder = names.safe_name(one.category)
    places = (
        ("Query", results.picture_path(first / folder, one.name, "query")),
        ("First", results.picture_path(first / folder, one.name, "anomaly")),
        ("Second", results.picture_path(second / folder, one.name, "anomaly")),
    )
    found = []
    for caption, path in places:
        image = figures.read_picture(path)
        if image is not None:
            small = figures.thumbnail(image, _SIDE)
            found.append(html_pictures.inlined(caption, small))
    return tuple(found)
