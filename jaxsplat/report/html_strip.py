"""A drawing of all scores of an object beside its threshold."""

import dataclasses
from collections.abc import Sequence

# In the drawing's own units, which the page scales to its width.
_WIDTH, _HEIGHT = 860, 108
_LEFT, _RIGHT = 90, 830  # where the lowest and the highest value lie
_LEVELS = {"good": 36, "unknown": 49, "defect": 62}  # where each truth's dots lie
_AXIS = 84


@dataclasses.dataclass(frozen=True)
class Dot:
    """One query: its name, its truth (a key of the levels), score and p-value."""

    name: str
    truth: str
    score: float | None
    p_value: float | None = None


@dataclasses.dataclass(frozen=True)
class Mark:
    """A dot of the drawing: the truth that colours it, its place and its words."""

    truth: str
    x: float
    y: int
    title: str


@dataclasses.dataclass(frozen=True)
class Strip:
    """What strip.html draws, in the drawing's units.

    Attributes:
        marks: a dot per query with a score.
        levels: height and name of each truth that occurs.
        ends: place and text of the lowest and the highest value.
        limit: place of the threshold, None where there is none.
        width: of the drawing.
        height: of the drawing.
        left: where the axis begins.
        right: where it ends.
        axis: its height.
    """

    marks: tuple[Mark, ...]
    levels: tuple[tuple[int, str], ...]
    ends: tuple[tuple[float, str], ...]
    limit: float | None
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _RIGHT
    axis: int = _AXIS


def score_strip(dots: Sequence[Dot], threshold: float | None) -> Strip | None:
    """Returns a drawing of all scores, good above, defective below, and the limit.

    None where no query has a score.
    """
    scored = [(dot, dot.score) for dot in dots if dot.score is not None]
    if not scored:
        return None
    values = [score for _, score in scored]
    if threshold is not None:
        values.append(threshold)
    low, high = min(values), max(values)

    def across(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(_LEFT + share * (_RIGHT - _LEFT), 1)

    return Strip(
        marks=tuple(
            Mark(
                dot.truth,
                across(score),
                _LEVELS[dot.truth],
                f"{dot.name}: {score:.4g}",
            )
            for dot, score in scored
        ),
        levels=tuple(
            (level, truth)
            for truth, level in _LEVELS.items()
            if any(dot.truth == truth for dot in dots)
        ),
        ends=tuple((across(value), f"{value:.3g}") for value in (low, high)),
        limit=None if threshold is None else across(threshold),
    )
