"""A drawing of how many queries have which score, with the threshold and p-values."""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from jaxsplat.report.html_strip import Dot

# In the drawing's own units, which the page scales to its width.
_WIDTH, _HEIGHT = 860, 190
_LEFT, _RIGHT, _TOP, _AXIS = 90, 830, 24, 140
_BINS = 36
_KINDS = ("good", "unknown", "defect")
# Whose places among the scores are marked, those first that matter most.
_P_VALUES = (0.05, 0.5, 0.1, 0.2)
_APART = 34  # units between two marks, so that their texts stay apart


@dataclasses.dataclass(frozen=True)
class Bar:
    """A bar of one kind, from corner to corner, and its words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    title: str


@dataclasses.dataclass(frozen=True)
class Histogram:
    """The values of histogram.html, in the drawing's units.

    Attributes:
        bars: good ones below, defective ones above.
        ends: place and text of the lowest and the highest score.
        marks: place and text of p-values: no query to the right has a greater one.
        limit: place of the threshold, None where there is none.
        most: queries of the highest column.
        width: of the drawing.
        height: of the drawing.
        left: where the axis begins.
        right: where it ends.
        top: of the highest column.
        axis: height of the axis.
    """

    bars: tuple[Bar, ...]
    ends: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    limit: float | None
    most: int
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    top: int = _TOP
    axis: int = _AXIS


def histogram(dots: Sequence[Dot], threshold: float | None) -> Histogram | None:
    """Returns the drawing, None where fewer than two queries have a score.

    Scores grow by factors from left to right where all of them are above 0: those of
    defects are many times those of good views.
    """
    known = [dot for dot in dots if dot.score is not None]
    values = [dot.score for dot in known if dot.score is not None]
    if len(values) < 2:
        return None
    shown = [*values, *([] if threshold is None else [threshold])]
    low, high = min(shown), max(shown)
    by_factors = low > 0 and high > low

    def share(value: float) -> float:
        if high <= low:
            return 0.5
        if by_factors:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def across(value: float) -> float:
        return round(_LEFT + share(value) * (_RIGHT - _LEFT), 1)

    places = [min(_BINS - 1, int(share(value) * _BINS)) for value in values]
    counts = np.zeros((_BINS, len(_KINDS)), int)
    for dot, place in zip(known, places, strict=True):
        counts[place, _KINDS.index(dot.truth)] += 1
    most = int(counts.sum(axis=1).max())
    return Histogram(
        bars=tuple(_bars(counts, most)),
        ends=tuple((across(value), f"{value:.3g}") for value in (low, high)),
        marks=_marks(known, across),
        limit=None if threshold is None else across(threshold),
        most=most,
    )


def _bars(counts: np.ndarray, most: int) -> list[Bar]:
    width = (_RIGHT - _LEFT) / _BINS
    found = []
    for place, column in enumerate(counts.tolist()):
        foot = float(_AXIS)
        for kind, count in zip(_KINDS, column, strict=True):
            height = count / most * (_AXIS - _TOP)
            foot -= height
            if count:
                found.append(
                    Bar(
                        kind,
                        round(_LEFT + place * width + 1, 1),
                        round(foot, 1),
                        round(width - 2, 1),
                        round(height, 1),
                        f"{count} {kind}",
                    )
                )
    return found


def _marks(
    known: Sequence[Dot], across: Callable[[float], float]
) -> tuple[tuple[float, str], ...]:
    """Returns the lowest score from which on no query has a greater p-value."""
    scored = [
        (dot.p_value, dot.score)
        for dot in known
        if dot.p_value is not None and dot.score is not None
    ]
    found: list[tuple[float, str]] = []
    for p_value in _P_VALUES:
        above = [score for p, score in scored if p > p_value]
        beyond = [
            score
            for p, score in scored
            if p <= p_value and score > max(above, default=-math.inf)
        ]
        if not beyond:
            continue
        place = across(min(beyond))
        if all(abs(place - other) >= _APART for other, _ in found):
            found.append((place, f"p {p_value:g}"))
    return tuple(sorted(found))
