"""The report page: one file that opens anywhere, without a network."""

import html
from collections.abc import Mapping

from jaxsplat.report import html_rows, html_strip, page_style, tables
from jaxsplat.report.content import CategoryReport, RunReport
from jaxsplat.report.figures import color_stops

_TILES = (
    ("image AUROC", "image AUROC"),
    ("pixel AUROC", "pixel AUROC"),
    ("AUPRO", "AUPRO (FPR .3)"),
    ("pixel AP", "pixel average precision"),
    ("PSNR dB", "dB PSNR of unseen good views"),
    ("pose ok %", "% of poses within 1° and 1 %"),
    ("query s", "seconds per query"),
)


def page(report: RunReport) -> str:
    """Returns the page as HTML, with styles, script and pictures inside.

    Args:
        report: what to show. All text in it is escaped, whatever it holds.
    """
    metrics = report.metrics
    categories = metrics["categories"]
    assert isinstance(categories, Mapping)
    side = html_rows.picture_side(
        sum(int(record.get("queries", 0)) for record in categories.values())
    )
    title = html.escape(report.title)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{page_style.STYLE}</style>\n</head>",
        f"<body>\n<main>\n<header>\n<h1>{title}</h1>",
        f'<p class="soft">{_subtitle(metrics)}</p>\n</header>',
        _tiles(metrics),
        _summary(report),
        '<div class="columns">',
        _facts("Settings", metrics["config"]),
        _facts("Versions", metrics["versions"]),
        "</div>",
    ]
    for index, category in enumerate(report.categories):
        parts.append(_category(category, index, side))
    parts.append(f"</main>\n<script>{page_style.SCRIPT}</script>\n</body>\n</html>\n")
    return "\n".join(parts)


def _subtitle(metrics: Mapping[str, object]) -> str:
    versions, categories = metrics["versions"], metrics["categories"]
    assert isinstance(versions, Mapping) and isinstance(categories, Mapping)
    queries = sum(int(record.get("queries", 0)) for record in categories.values())
    objects = f"{len(categories)} object{'s' if len(categories) != 1 else ''}"
    made_with = (
        f"jaxsplat {versions.get('jaxsplat', '')}, JAX {versions.get('jax', '')}"
    )
    device = versions.get("device", "unknown device")
    return html.escape(f"{queries} queries of {objects} · {made_with} · {device}")


def _tiles(metrics: Mapping[str, object]) -> str:
    columns = {column.header: column for column in tables.COLUMNS}
    tiles = [
        f'<div class="tile"><b>{tables.cell(metrics["mean"], columns[header])}</b>'
        f"<span>{html.escape(label)}</span></div>"
        for header, label in _TILES
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _summary(report: RunReport) -> str:
    anchors = {part.name: index for index, part in enumerate(report.categories)}
    head = "".join(f"<th>{html.escape(c.header)}</th>" for c in tables.COLUMNS)
    body = []
    rows = tables.rows(report.metrics)
    for position, (name, record) in enumerate(rows):
        is_mean = len(rows) > 1 and position == len(rows) - 1
        label = html.escape(name)
        if not is_mean and name in anchors:
            label = f'<a href="#c{anchors[name]}">{label}</a>'
        cells = "".join(f"<td>{tables.cell(record, c)}</td>" for c in tables.COLUMNS)
        kind = ' class="mean"' if is_mean else ""
        body.append(f"<tr{kind}><td>{label}</td>{cells}</tr>")
    notes = "".join(
        f'<p class="note small">{html.escape(text)}</p>'
        for text in tables.reasons(report.metrics)
    )
    return (
        '<div class="wide"><table class="metrics"><thead><tr><th>object</th>'
        f"{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>{notes}"
        '<p class="soft small">Rotation and translation errors are medians; '
        "translation is a share of the camera's distance. Seconds exclude "
        "compilation, which stands apart.</p>"
    )


def _facts(title: str, values: object) -> str:
    assert isinstance(values, Mapping)
    lines = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(_words(value))}</td></tr>"
        for key, value in values.items()
    )
    return (
        f"<details><summary>{title}</summary>"
        f'<table class="facts small"><tbody>{lines}</tbody></table></details>'
    )


def _words(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    return str(value)


def _category(category: CategoryReport, index: int, side: int) -> str:
    queries = [html_rows.query(row, category, side) for row in category.rows]
    low, high = category.map_scale
    gradient = ", ".join(color_stops(9))
    notes = "".join(
        f'<p class="note small">{html.escape(text)}</p>' for text in category.notes
    )
    return "\n".join(
        [
            f'<section class="category" id="c{index}">',
            f"<h2>{html.escape(category.name)}</h2>",
            f"<p>{_threshold(category)}</p>{notes}",
            html_strip.score_strip([q.dot for q in queries], category.threshold),
            f'<p class="small soft">Anomaly {low:.3g}<span class="scale" '
            f'style="background:linear-gradient(90deg, {gradient})"></span>{high:.3g}; '
            "one scale for all images of this object.</p>",
            html_rows.toolbar(queries),
            '<div class="queries">',
            *(query.markup for query in queries),
            "</div>\n</section>",
        ]
    )


def _threshold(category: CategoryReport) -> str:
    if category.threshold is None:
        return "No threshold is known for this object, so its queries get no verdict."
    source = f" ({category.threshold_source})" if category.threshold_source else ""
    return html.escape(f"Scores above {category.threshold:.4g} are defects{source}.")
