"""A drawing of all scores of an object beside its threshold."""

import dataclasses
import html
from collections.abc import Sequence

# In the drawing's own units, which the page scales to its width.
_WIDTH, _HEIGHT = 860, 108
_LEFT, _RIGHT = 90, 830  # where the lowest and the highest value lie
_LEVELS = {"good": 36, "unknown": 49, "defect": 62}  # where each truth's dots lie
_AXIS = 84


@dataclasses.dataclass(frozen=True)
class Dot:
    """One query: its name, its truth (a key of the levels) and its score."""

    name: str
    truth: str
    score: float | None


def score_strip(dots: Sequence[Dot], threshold: float | None) -> str:
    """Returns a drawing of all scores, good above, defective below, and the limit."""
    scored = [(dot, dot.score) for dot in dots if dot.score is not None]
    if not scored:
        return ""
    values = [score for _, score in scored]
    if threshold is not None:
        values.append(threshold)
    low, high = min(values), max(values)

    def across(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return _LEFT + share * (_RIGHT - _LEFT)

    marks = [f'<path class="axis" d="M{_LEFT} {_AXIS}H{_RIGHT}"/>']
    marks += [
        _label(across(value), _AXIS + 18, f"{value:.3g}") for value in (low, high)
    ]
    marks += [
        f'<text x="0" y="{level + 4}">{truth}</text>'
        for truth, level in _LEVELS.items()
        if any(dot.truth == truth for dot in dots)
    ]
    marks += [
        f'<circle class="is-{dot.truth}" r="5" fill-opacity=".55" '
        f'cx="{across(score):.1f}" cy="{_LEVELS[dot.truth]}">'
        f"<title>{html.escape(dot.name)}: {score:.4g}</title></circle>"
        for dot, score in scored
    ]
    if threshold is not None:
        x = across(threshold)
        marks.append(f'<path class="limit" d="M{x:.1f} 20V{_AXIS}"/>')
        marks.append(_label(x, 14, "threshold"))
    return (
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Scores of the queries">{"".join(marks)}</svg>'
    )


def _label(x: float, y: int, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{text}</text>'
