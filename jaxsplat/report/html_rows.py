"""The part of the report page that shows single queries."""

import base64
import dataclasses
import html
from collections import Counter
from collections.abc import Sequence

from jaxsplat.data.views import GOOD
from jaxsplat.report import figures, html_strip
from jaxsplat.report.content import CategoryReport, QueryRow
from jaxsplat.report.figures import Rgb8

_FILTERS = (
    ("all", "All"),
    ("wrong", "Wrong verdicts"),
    ("missed", "Missed defects"),
    ("alarm", "False alarms"),
    ("lost", "Pose in doubt"),
)


@dataclasses.dataclass(frozen=True)
class Query:
    """One query's part of the page and what the list as a whole needs of it."""

    markup: str
    kind: str
    states: tuple[str, ...]
    dot: html_strip.Dot


def picture_side(queries: int) -> int:
    """Returns the longer side of pictures in pixels, smaller on a very long page."""
    return 224 if queries <= 400 else 160 if queries <= 1200 else 96


def query(row: QueryRow, category: CategoryReport, side: int) -> Query:
    """Returns one row of the page.

    Args:
        row: the query.
        category: gives the colour scale and the threshold.
        side: longer side of the pictures in pixels.
    """
    truth = _truth(row)
    states = _states(row, category.threshold, truth)
    kind = row.defect_type if row.defect_type is not None else "truth not known"
    score = "-1e300" if row.score is None else f"{row.score:.8g}"
    markup = (
        f'<article class="query" data-kind="{html.escape(kind)}" '
        f'data-state="{" ".join(states)}" data-score="{score}">'
        f"<div><h3>{html.escape(row.name)}</h3>"
        f"{_verdict(row, category.threshold, states)}{_numbers(row, kind)}</div>"
        f'<div class="pictures">{_pictures(row, category.map_scale, side)}</div>'
        "</article>"
    )
    return Query(markup, kind, states, html_strip.Dot(row.name, truth, row.score))


def toolbar(queries: Sequence[Query]) -> str:
    """Returns buttons that choose and order the rows; the script makes them visible."""
    counts = Counter(state for item in queries for state in item.states)
    counts["all"] = len(queries)
    buttons = "".join(
        f'<button type="button" data-filter="{key}">{label} ({counts[key]})</button>'
        for key, label in _FILTERS
    )
    kinds = "".join(
        f'<option value="{html.escape(kind)}">{html.escape(kind)} ({number})</option>'
        for kind, number in sorted(Counter(item.kind for item in queries).items())
    )
    return (
        f'<div class="tools" hidden>{buttons}'
        '<select data-kind aria-label="Defect type">'
        f'<option value="">Every type</option>{kinds}</select>'
        '<select data-order aria-label="Order"><option value="name">As in the data'
        '</option><option value="down">Highest score first</option>'
        '<option value="up">Lowest score first</option></select>'
        '<span class="count soft small"></span></div>'
    )


def _truth(row: QueryRow) -> str:
    if row.defect_type is None:
        return "unknown"
    return "good" if row.defect_type == GOOD else "defect"


def _states(row: QueryRow, threshold: float | None, truth: str) -> tuple[str, ...]:
    states = ["lost"] if row.pose_failed else []
    if row.score is not None and threshold is not None and truth != "unknown":
        found = row.score > threshold
        if found != (truth == "defect"):
            states += ["wrong", "alarm" if found else "missed"]
    return tuple(states)


def _verdict(row: QueryRow, threshold: float | None, states: tuple[str, ...]) -> str:
    tags = []
    if row.score is None or threshold is None:
        tags.append(("", "no verdict"))
    else:
        word = "defect" if row.score > threshold else "good"
        if row.defect_type is None:
            tags.append(("", word))
        elif "wrong" in states:
            meaning = "missed" if "missed" in states else "false alarm"
            tags.append(("wrong", f"{word}: {meaning}"))
        else:
            tags.append(("right", f"{word}: right"))
    if row.pose_failed:
        tags.append(("doubt", "pose in doubt"))
    return "".join(f'<span class="tag {kind}">{text}</span>' for kind, text in tags)


def _numbers(row: QueryRow, kind: str) -> str:
    facts = [
        ("Score", "n/a" if row.score is None else f"{row.score:.4g}"),
        ("Truth", kind),
        ("Pose", row.pose_outcome),
    ]
    if row.rotation_deg is not None:
        facts.append(("Rotation", f"{row.rotation_deg:.3f}° off"))
    if row.translation_rel is not None:
        facts.append(("Position", f"{100 * row.translation_rel:.3f} % off"))
    lines = (f"<dt>{key}</dt><dd>{html.escape(text)}</dd>" for key, text in facts)
    return f"<dl>{''.join(lines)}</dl>"


def _pictures(row: QueryRow, scale: tuple[float, float], side: int) -> str:
    photo = figures.thumbnail(figures.to_uint8(row.photo), side)
    render = heat = truth = None
    if row.render is not None:
        render = figures.thumbnail(figures.to_uint8(row.render), side)
    if row.anomaly_map is not None:
        heat = figures.overlay(photo, row.anomaly_map, scale)
    if row.mask is not None and row.mask.any():
        truth = figures.outline(photo, row.mask)
    if row.defect_type == GOOD:
        nothing = "good: nothing to mark"
    else:
        nothing = "no truth"
    return "".join(
        [
            _figure("Query", photo, ""),
            _figure("Good twin", render, "no render"),
            _figure("Anomaly", heat, "no map"),
            _figure("Truth", truth, nothing),
        ]
    )


def _figure(caption: str, image: Rgb8 | None, otherwise: str) -> str:
    if image is None:
        inside = f'<div class="blank">{otherwise}</div>'
    else:
        data = base64.b64encode(figures.encode_jpeg(image)).decode("ascii")
        height, width = image.shape[:2]
        inside = (
            f'<img src="data:image/jpeg;base64,{data}" width="{width}" '
            f'height="{height}" alt="{caption}" loading="lazy" decoding="async">'
        )
    return f"<figure>{inside}<figcaption>{caption}</figcaption></figure>"
