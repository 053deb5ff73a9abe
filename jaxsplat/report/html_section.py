"""A category's part of the page, written when the category ends."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence

from jaxsplat.report import (
    files,
    html_charts,
    html_fit,
    html_foreground,
    html_histogram,
    html_parts,
    html_rows,
    html_strip,
    html_templates,
    names,
)
from jaxsplat.report.content import CategoryReport
from jaxsplat.report.figures import color_stops
from jaxsplat.report.html_rows import Label
from jaxsplat.report.results import CategoryFolder

_FILTERS = (
    ("all", "All"),
    ("wrong", "Wrong verdicts"),
    ("missed", "Missed defects"),
    ("alarm", "False alarms"),
    ("lost", "Pose in doubt"),
)
_STOPS = 9  # colours of the scale's gradient; between them CSS mixes


def write_section(folder: CategoryFolder, category: CategoryReport) -> None:
    """Writes the category's part of the page, section.html, into its folder.

    The queries' pictures go beside it, into `pictures`; `html.page` takes them into
    the page where they are few. Each row's pictures are written as they come and then
    dropped, so one row is in memory at a time. Once this returns, the page needs
    nothing else of the category.

    Args:
        folder: the category's folder.
        category: what to show. All text in it is escaped, whatever it holds.
    """
    # What stands above the rows, such as counts, is only known after the last one.
    with tempfile.TemporaryFile(
        "w+", dir=folder.path, encoding="utf-8", errors="replace"
    ) as rows:
        side = html_rows.picture_side(category.queries)
        labels = []
        for row in category.rows:
            query = html_rows.query(row, category.map_scale, side, folder.write_picture)
            rows.writelines(html_templates.render("query.html", query=query))
            labels.append(html_rows.label(row))
        rows.seek(0)
        pieces = _section(category, labels, html_templates.stored(rows))
        files.write_pieces(folder.section_path, pieces)


def _section(
    category: CategoryReport, labels: Sequence[Label], rows: Iterator[str]
) -> Iterator[str]:
    low, high = category.map_scale
    shown = category.foreground
    states = Counter(state for label in labels for state in label.states)
    states["all"] = len(labels)
    dots = [label.dot for label in labels]
    return html_templates.render(
        "section.html",
        anchor=names.safe_name(category.name),
        name=category.name,
        threshold=_threshold(category),
        notes=category.notes,
        foreground=None if shown is None else html_foreground.block(shown),
        strip=html_strip.score_strip(dots, category.threshold),
        histogram=html_histogram.histogram(dots, category.threshold),
        charts=[html_charts.plot(chart) for chart in category.charts],
        parts=[html_parts.row(part) for part in category.parts],
        fit=[html_fit.row(view) for view in category.fit],
        low=f"{low:.3g}",
        high=f"{high:.3g}",
        gradient=", ".join(color_stops(_STOPS)),
        filters=[(key, text, states[key]) for key, text in _FILTERS],
        kinds=sorted(Counter(label.kind for label in labels).items()),
        queries=rows,
    )


def _threshold(category: CategoryReport) -> str:
    source = f" ({category.threshold_source})" if category.threshold_source else ""
    if category.threshold is None:
        return (
            "No threshold is known for this object, so its queries get no verdict"
            f"{source}."
        )
    return f"Scores above {category.threshold:.4g} are defects{source}."
