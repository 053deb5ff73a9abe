"""Principal points: taken where they can be one, repaired where the slip is plain."""

from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# A principal point fits the middle of a side when it is no further away than this share
# of the side.
_NEAR_MIDDLE = 0.1
# Shares of the sides are read as such within this much of one half; cropping moves a
# principal point further, but then it is written in pixels.
_SHARES = 0.25
# No principal point is so near to an edge, as a share of the side; slips are.
_EDGE = 0.02
# Further from the middle, as a share of the side, it is remarked.
_FAR = 0.15
# The sides of an image must differ by more than this share to tell x and y apart.
_APART = 0.05


def principal_point(
    cx: float | None, cy: float | None, width: int, height: int, notes: Notes
) -> tuple[float, float]:
    """Returns the principal point in pixels, the middle where none is stated.

    Tools that do not know it write (0, 0); others write shares of the sides, or x and y
    in each other's place.

    Args:
        cx: as stated, from the left edge; `cy` from the top. None is the middle.
        cy: see `cx`.
        width: of the image in pixels; `height` likewise.
        height: see `width`.
        notes: takes a remark where the point is not taken as it is.

    Raises:
        DataError: the point is outside the image or on its edge; the message begins
            with its key.
    """
    if not cx and not cy:
        if cx == 0 or cy == 0:
            notes.add("the principal point (0, 0) is taken as the middle of the image")
        return width / 2, height / 2
    x = width / 2 if cx is None else cx
    y = height / 2 if cy is None else cy
    is_share = max(abs(x - 0.5), abs(y - 0.5)) <= _SHARES
    if cx and cy and is_share and min(width, height) > 2:
        notes.add(
            f"the principal point ({x:g}, {y:g}) is taken as shares of the image's "
            "sides"
        )
        return x * width, y * height
    if _fits(y, x, width, height) and not _fits(x, y, width, height):
        notes.add(
            "the principal point has x and y in each other's place and is exchanged"
        )
        return y, x
    for key, value, side in (("cx", x, width), ("cy", y, height)):
        if not _EDGE * side < value < (1 - _EDGE) * side:
            raise DataError(
                f"{key}: found {value:g}, expected a point inside the image of "
                f"{width}x{height} pixels, near {side / 2:g}; if it belongs to images "
                "of another size, state their w and h"
            )
    if abs(x - width / 2) > _FAR * width or abs(y - height / 2) > _FAR * height:
        notes.add(
            f"the principal point ({x:g}, {y:g}) is far from the middle of the image "
            f"of {width}x{height} pixels"
        )
    return x, y


def _fits(x: float, y: float, width: int, height: int) -> bool:
    """Returns whether a point is near the middle of an image that is not square."""
    return (
        abs(width - height) > _APART * max(width, height)
        and abs(x - width / 2) <= _NEAR_MIDDLE * width
        and abs(y - height / 2) <= _NEAR_MIDDLE * height
    )
