"""What fit.html shows of a view that the fit did not see."""

import dataclasses

import numpy as np

from jaxsplat.report import figures, html_pictures
from jaxsplat.report.content import FitView
from jaxsplat.report.html_pictures import Inlined

_SIDE = 224  # pixels of a picture's longer side
# Hottest colours: a difference of a tenth of white; four times the mean residual.
_MOST_DIFFERENT, _SOFTEST = 0.1, 4.0


@dataclasses.dataclass(frozen=True)
class Row:
    """The values of one row of fit.html."""

    name: str
    psnr: str
    pictures: tuple[Inlined, ...]


def row(view: FitView) -> Row:
    """Returns a photograph, its render, their difference, and what is expected."""
    photo = figures.thumbnail(figures.to_uint8(view.photo), _SIDE)
    difference = np.abs(view.photo - view.render).mean(axis=-1)
    pictures = [
        ("Photograph", photo),
        ("Render", figures.thumbnail(figures.to_uint8(view.render), _SIDE)),
        ("Difference", figures.overlay(photo, difference, (0.0, _MOST_DIFFERENT))),
    ]
    if view.expected is not None:
        expected = figures.overlay(photo, view.expected, (0.0, _SOFTEST))
        pictures.append(("Expected residual", expected))
    return Row(
        view.name,
        f"{view.psnr:.2f} dB",
        tuple(html_pictures.inlined(caption, image) for caption, image in pictures),
    )
