"""A table of measured figures beside published ones, in files and on a terminal."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from jaxsplat.errors import ConfigError
from jaxsplat.report import files
from jaxsplat.study import figures

Row = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a figure.

    Attributes:
        name: in the legend.
        points: x, y, and the deviation of y where it is known.
        measured: whether it is ours; published ones are drawn dashed.
    """

    name: str
    points: tuple[tuple[float, float, float | None], ...]
    measured: bool


@dataclasses.dataclass(frozen=True)
class PaperTable:
    """A table as files and terminals show it.

    Attributes:
        name: of its files.
        title: what it shows.
        headers: of its columns.
        rows: its cells, measured ones first.
        notes: sentences below it.
        measured: the numbers, for JSON.
        published: likewise.
        axes: what x and y of the figure are.
        lines: of the figure.
        ticks: names of x = 0, 1, ..., where they stand for objects.
    """

    name: str
    title: str
    headers: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    measured: Mapping[str, Any]
    published: Mapping[str, Any]
    axes: tuple[str, str]
    lines: tuple[Line, ...]
    ticks: tuple[str, ...] = ()

    @property
    def markdown(self) -> str:
        """The table in Markdown."""
        lines = [f"# {self.title}", "", _markdown(self.headers)]
        lines.append("|" + "---|" * len(self.headers))
        lines += [_markdown(row) for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])

    @property
    def text(self) -> str:
        """The table for a terminal."""
        table = [self.headers, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in table
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], *self.notes])


def write(
    table: PaperTable, folder: pathlib.Path, about: Mapping[str, Any]
) -> tuple[list[pathlib.Path], str]:
    """Writes a table as JSON and Markdown, and its figure where it can be drawn.

    Args:
        table: the table.
        folder: that takes the files.
        about: what else the JSON says, such as settings and versions.

    Returns:
        The files, and why there is no figure, "" where there is one.
    """
    record = {
        "title": table.title,
        "measured": table.measured,
        "published": table.published,
        "notes": table.notes,
        **about,
    }
    written = [folder / f"{table.name}.json", folder / f"{table.name}.md"]
    files.write_json(written[0], record)
    files.write_text(written[1], table.markdown)
    try:
        _draw(table, folder / f"{table.name}.png")
    except ConfigError as error:
        return written, str(error)
    return [*written, folder / f"{table.name}.png"], ""


def _draw(table: PaperTable, path: pathlib.Path) -> None:
    canvas = figures.canvas(7.0, 4.0)
    axes = canvas.subplots()
    for line in table.lines:
        if not line.points:
            continue
        x, y, spread = zip(*line.points, strict=True)
        style = "-" if line.measured else "--"
        axes.errorbar(
            x,
            y,
            yerr=[value or 0.0 for value in spread],
            label=line.name,
            linestyle="" if table.ticks else style,
            marker="o" if line.measured else "x",
            capsize=3 if any(spread) else 0,
        )
    if table.ticks:
        axes.set_xticks(range(len(table.ticks)), table.ticks, rotation=60, ha="right")
    axes.set_xlabel(table.axes[0])
    axes.set_ylabel(table.axes[1])
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
    figures.save(canvas, path)


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
