"""The page of a run of PTAD: each photograph, its reference, what was told, the truth.

One file that opens anywhere, without a network.
"""

import base64
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxsplat.report import figures, files, html_templates

_SIDE = 192  # of the pictures, in pixels
# Logits of the coldest and the hottest colour: .12 and .95 of a cell's probability.
_SCALE = -2.0, 3.0


class ChairRow(NamedTuple):
    """A photograph and what was told of it.

    Attributes:
        name: of its file.
        kind: normal, or the anomaly's type.
        logit: above 0 for an anomaly.
        image: the photograph, RGB in [0, 1].
        depth: that it should have, as a picture.
        map: logits of cells.
        truth: share of each cell that is anomalous.
    """

    name: str
    kind: str
    logit: float
    image: Float[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h2 w2"]
    map: Float[np.ndarray, "m m"]
    truth: Float[np.ndarray, "m m"]


def write_chairs_page(
    path: pathlib.Path, title: str, record: Mapping[str, Any], rows: Iterable[ChairRow]
) -> None:
    """Writes the page, one photograph in memory at a time.

    Args:
        path: of the file.
        title: heading, in words.
        record: the content of metrics.json.
        rows: in the order in which they shall stand.
    """
    files.write_pieces(path, _page(title, record, rows))


def _page(
    title: str, record: Mapping[str, Any], rows: Iterable[ChairRow]
) -> Iterator[str]:
    test, seconds = record["test"], record["seconds"]
    tiles = [
        (_number(test["auc"]), "AUC"),
        (_number(test["accuracy"]), "accuracy"),
        (_number(test["mean_iou"]), "mean IoU of boxes"),
    ]
    facts = [(f"AUC of {kind}", _number(auc)) for kind, auc in test["by_type"].items()]
    facts += [(f"seconds: {name}", f"{spent:.1f}") for name, spent in seconds.items()]
    facts += [(f"--{name}", str(value)) for name, value in record["config"].items()]
    return html_templates.render(
        "chairs.html",
        title=title,
        subtitle=f"{test['photographs']} photographs · jaxsplat "
        f"{record['versions']['jaxsplat']}, JAX {record['versions']['jax']}",
        tiles=tiles,
        facts=facts,
        rows=map(_row, rows),
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _row(row: ChairRow) -> dict[str, object]:
    image = figures.to_uint8(row.image)
    depth = figures.to_uint8(row.depth)[..., None].repeat(3, axis=-1)
    pictures = [
        ("photograph", image),
        ("depth it should have", depth),
        ("told", figures.overlay(image, row.map, _SCALE)),
        ("truth", figures.overlay(image, row.truth, (0.0, 1.0))),
    ]
    return {
        "name": row.name,
        "facts": [("truth", row.kind), ("logit", f"{row.logit:.2f}")],
        "pictures": [(caption, _jpeg(picture)) for caption, picture in pictures],
    }


def _jpeg(picture: np.ndarray) -> str:
    small = figures.thumbnail(picture, _SIDE)
    return base64.b64encode(figures.encode_jpeg(small)).decode("ascii")
