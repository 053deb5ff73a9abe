"""What chart.html draws of a chart: lines in the drawing's own units."""

import dataclasses

import numpy as np
from jaxtyping import Float

from jaxsplat.report.content import Chart

# In the drawing's own units, which the page scales to its width.
_WIDTH, _HEIGHT = 320, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 308, 12, 208
_TICKS = 4  # parts that axes are divided into
# Points of a line that are drawn at most: more than the drawing has pixels across.
_MOST_POINTS = 400


@dataclasses.dataclass(frozen=True)
class Stroke:
    """A line of the drawing: what colours it, its name and its path."""

    kind: str
    name: str
    path: str


@dataclasses.dataclass(frozen=True)
class Plot:
    """The values of chart.html.

    Attributes:
        chart: title and axes in words.
        strokes: the lines.
        across: place and text of the horizontal axis's numbers.
        upwards: likewise of the vertical axis.
        width: of the drawing.
        height: of the drawing.
        left: where the horizontal axis begins.
        right: where it ends.
        top: where the vertical axis ends.
        bottom: where it begins.
    """

    chart: Chart
    strokes: tuple[Stroke, ...]
    across: tuple[tuple[float, str], ...]
    upwards: tuple[tuple[float, str], ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    bottom: int = _BOTTOM


def plot(chart: Chart) -> Plot:
    """Returns the drawing of a chart."""
    shares = np.arange(_TICKS + 1) / _TICKS
    return Plot(
        chart,
        tuple(
            Stroke(line.kind, line.name, _path(line.points, chart.limit))
            for line in chart.lines
        ),
        tuple((_x(s), f"{s * chart.limit:.3g}") for s in shares.tolist()),
        tuple((_y(s), f"{s:.3g}") for s in shares.tolist()),
    )


def _path(points: Float[np.ndarray, "p 2"], limit: float) -> str:
    """Returns a line's path up to the end of the horizontal axis."""
    across, up = points[:, 0], points[:, 1]
    inside = across <= limit
    if not inside.all() and inside.any():
        # The last point at 0 of an upright part is the one to go on from.
        end = float(np.interp(limit, across, up))
        across = np.append(across[inside], limit)
        up = np.append(up[inside], end)
    if len(across) > _MOST_POINTS:
        kept = np.unique(np.linspace(0, len(across) - 1, _MOST_POINTS).round())
        across, up = across[kept.astype(int)], up[kept.astype(int)]
    pairs = [f"{_x(x / limit)} {_y(y)}" for x, y in zip(across.tolist(), up.tolist())]
    return "M" + "L".join(pairs) if pairs else ""


def _x(share: float) -> float:
    return round(_LEFT + share * (_RIGHT - _LEFT), 1)


def _y(share: float) -> float:
    return round(_BOTTOM - share * (_BOTTOM - _TOP), 1)
