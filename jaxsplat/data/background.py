"""The background of a set of photographs: its colour, and one form for all of them."""

import dataclasses

import numpy as np

from jaxsplat.data.notes import Notes
from jaxsplat.data.views import View, over_background

RGB = tuple[float, float, float]

# Two grey levels of 255, plus rounding: what compression leaves of a plain colour.
TOLERANCE = 2.5 / 255
# The object may reach the image border in some views.
_MIN_SHARE = 0.9


@dataclasses.dataclass(frozen=True)
class Background:
    """What stands behind the object.

    Attributes:
        color: RGB in [0, 1].
        is_plain: whether the views show nothing else behind the object, so that what
            differs from the colour is the object.
    """

    color: RGB
    is_plain: bool


def find_background(views: tuple[View, ...]) -> Background:
    """Returns the median colour at the border of the photographs.

    It is plain when nine in ten of all border pixels are within `TOLERANCE` of it in
    each channel. Views with alpha have no background of their own; where all are such,
    it is white, as these data sets are composited by custom.
    """
    opaque = [view.image for view in views if view.alpha is None]
    if not opaque:
        return Background((1.0, 1.0, 1.0), is_plain=True)
    border = np.concatenate(
        [
            edge
            for image in opaque
            for edge in (image[0], image[-1], image[1:-1, 0], image[1:-1, -1])
        ]
    )
    # Rounded well below a grey level, since means over areas are not exact.
    red, green, blue = (round(float(v), 4) for v in np.median(border, axis=0))
    color = np.array((red, green, blue), np.float32)
    close = np.abs(border - color).max(axis=1) <= TOLERANCE
    return Background((red, green, blue), is_plain=bool(close.mean() >= _MIN_SHARE))


def without_mixed_alpha(
    views: tuple[View, ...], background: Background, notes: Notes
) -> tuple[View, ...]:
    """Returns views that all have alpha or all have none.

    In a mixed set the views with alpha are put over the background of the others: a
    cut-out can be given a background, but a photograph not always a sharp outline.

    Args:
        views: the training views of one object, before any is changed.
        background: what `find_background` returns for them.
        notes: takes a remark on each view that is put over the background.
    """
    if len({view.alpha is None for view in views}) == 1:
        return views
    remark = "has alpha where others have none and is put over the background of those"
    if not background.is_plain:
        remark += ", which is not plain"
    for view in views:
        if view.alpha is not None:
            notes.add(remark, view.name)
    return tuple(_put_over(view, background.color) for view in views)


def _put_over(view: View, color: RGB) -> View:
    """Returns a view without alpha, the colour where it was clear."""
    if view.alpha is None:
        return view
    # Rounding may lead past one.
    image = np.minimum(over_background(view, np.asarray(color, np.float32)), 1)
    return dataclasses.replace(view, image=image, alpha=None)
