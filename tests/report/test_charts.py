"""Drawings of curves and of how many queries have which score."""

import re

import numpy as np

from jaxsplat.report import Chart, Line
from jaxsplat.report.html_charts import plot
from jaxsplat.report.html_histogram import histogram
from jaxsplat.report.html_strip import Dot


def places(path: str) -> list[tuple[float, float]]:
    """Returns the points of a path."""
    pairs = re.findall(r"[ML]([\d.]+) ([\d.]+)", path)
    return [(float(x), float(y)) for x, y in pairs]


def test_a_line_goes_from_corner_to_corner() -> None:
    chart = Chart("t", "x", "y", (Line("a", "good", np.array([[0.0, 0], [1, 1]])),))
    made = plot(chart)
    (stroke,) = made.strokes
    assert places(stroke.path) == [(38.0, 208.0), (308.0, 12.0)]
    assert made.across[0] == (38.0, "0") and made.across[-1] == (308.0, "1")


def test_a_line_is_cut_at_the_axis_end() -> None:
    points = np.array([[0.0, 0.0], [0.2, 0.5], [0.4, 1.0], [1.0, 1.0]])
    (stroke,) = plot(Chart("t", "x", "y", (Line("a", "good", points),), 0.3)).strokes
    end = places(stroke.path)[-1]
    assert end == (308.0, round(208 - 0.75 * 196, 1))


def test_a_line_of_many_points_keeps_its_ends() -> None:
    steps = np.linspace(0, 1, 100_000)
    line = Line("a", "other", np.column_stack([steps, steps]))
    (stroke,) = plot(Chart("t", "x", "y", (line,))).strokes
    found = places(stroke.path)
    assert len(found) <= 400
    assert found[0] == (38.0, 208.0) and found[-1] == (308.0, 12.0)


def test_columns_hold_every_query_with_a_score() -> None:
    dots = [Dot(str(k), "good", 1.0 + k / 20, 0.5) for k in range(6)]
    dots += [Dot("d", "defect", 40.0, 0.05), Dot("lost", "defect", None)]
    made = histogram(dots, 2.0)
    assert made is not None
    counts = [bar.title for bar in made.bars]
    total = sum(int(text.split()[0]) for text in counts)
    assert total == 7 and "1 defect" in counts
    # Scores grow by factors: 2 lies at log 2 / log 40 of the way.
    assert made.limit == round(90 + 740 * np.log(2) / np.log(40), 1)
    assert made.ends == ((90.0, "1"), (830.0, "40"))
    # All good queries have .5; the defect alone less.
    assert made.marks == ((90.0, "p 0.5"), (830.0, "p 0.05"))


def test_scores_of_zero_are_drawn_evenly() -> None:
    made = histogram([Dot("a", "good", 0.0), Dot("b", "unknown", 4.0)], 1.0)
    assert made is not None and made.limit == 90 + 740 / 4
    assert histogram([Dot("a", "good", 1.0)], None) is None
    flat = histogram([Dot("a", "good", 1.0)] * 2, None)
    assert flat is not None and flat.limit is None and len(flat.bars) == 1
