"""Finding the plain background of a set of photographs."""

import numpy as np

from jaxsplat.data.views import View

RGB = tuple[float, float, float]

WHITE: RGB = (1.0, 1.0, 1.0)
# Two grey levels of 255, plus rounding: what compression leaves of a plain colour.
TOLERANCE = 2.5 / 255
# The object may reach the image border in some views.
_MIN_SHARE = 0.9


def plain_background(views: tuple[View, ...]) -> RGB | None:
    """Returns the colour that the border of the photographs shows.

    It is plain when nine in ten of all border pixels are within `TOLERANCE` of their
    median in each channel. Views with alpha have no background of their own; where all
    are such, it is white, as these data sets are composited by custom.
    """
    opaque = [view.image for view in views if view.alpha is None]
    if not opaque:
        return WHITE
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
    return (red, green, blue) if close.mean() >= _MIN_SHARE else None
