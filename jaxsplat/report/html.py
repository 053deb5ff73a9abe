"""The report page, which opens anywhere, without a network.

It is one file where its pictures are few; many stay in the folders beside it and are
loaded as they are scrolled to.
"""

import pathlib
from collections.abc import Iterator, Mapping

from jaxsplat.report import html_pictures, html_templates, names, tables

_TILES = (
    ("image AUROC", "image AUROC"),
    ("pixel AUROC", "pixel AUROC"),
    ("AUPRO", "AUPRO (FPR .3)"),
    ("pixel AP", "pixel average precision"),
    ("PSNR dB", "dB PSNR of unseen good views"),
    ("pose ok %", "% of poses within 1° and 1 %"),
    ("query s", "seconds per query"),
)


def page(
    title: str, metrics: Mapping[str, object], sections: Mapping[str, pathlib.Path]
) -> Iterator[str]:
    """Yields the page in pieces, with styles, script and pictures inside.

    Args:
        title: heading, in words. It and all text of the metrics are escaped.
        metrics: the content of metrics.json, see `summary.metrics_record`.
        sections: by category, in order, the file that `write_section` wrote.
    """
    are_inside = html_pictures.fit_inside(list(sections.values()))
    beside = "" if are_inside else " · its pictures are in the folders beside it"
    return html_templates.render(
        "page.html",
        title=title,
        subtitle=_subtitle(metrics) + beside,
        tiles=_tiles(metrics),
        headers=[column.header for column in tables.COLUMNS],
        rows=[_summary_row(row, sections) for row in tables.rows(metrics)],
        notes=tables.reasons(metrics),
        details=[
            ("Settings", _facts(metrics["config"])),
            ("Versions", _facts(metrics["versions"])),
        ],
        sections=_stored(sections, are_inside),
    )


def _stored(sections: Mapping[str, pathlib.Path], are_inside: bool) -> Iterator[str]:
    for path in sections.values():
        with open(path, encoding="utf-8") as file:
            if are_inside:
                yield from html_pictures.moved_inside(file, path.parent.parent)
            else:
                yield from html_templates.stored(file)


def _subtitle(metrics: Mapping[str, object]) -> str:
    versions, categories = metrics["versions"], metrics["categories"]
    assert isinstance(versions, Mapping) and isinstance(categories, Mapping)
    queries = sum(int(record.get("queries", 0)) for record in categories.values())
    objects = f"{len(categories)} object{'s' if len(categories) != 1 else ''}"
    failed = len(tables.failures(metrics))
    less = f", {failed} more failed" if failed else ""
    made_with = (
        f"jaxsplat {versions.get('jaxsplat', '')}, JAX {versions.get('jax', '')}"
    )
    device = versions.get("device", "unknown device")
    return f"{queries} queries of {objects}{less} · {made_with} · {device}"


def _tiles(metrics: Mapping[str, object]) -> list[tuple[str, str]]:
    columns = {column.header: column for column in tables.COLUMNS}
    return [
        (tables.cell(metrics["mean"], columns[header]), label)
        for header, label in _TILES
    ]


def _summary_row(
    row: tables.Row, sections: Mapping[str, pathlib.Path]
) -> dict[str, object]:
    links = row.kind == "object" and row.name in sections
    return {
        "name": row.name,
        "kind": row.kind,
        "anchor": names.safe_name(row.name) if links else "",
        "cells": [tables.cell(row.record, column) for column in tables.COLUMNS],
    }


def _facts(values: object) -> list[tuple[str, str]]:
    assert isinstance(values, Mapping)
    return [(str(key), _words(value)) for key, value in values.items()]


def _words(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    return str(value)
