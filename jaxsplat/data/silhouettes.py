"""Where an image shows the object."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data.background import RGB, TOLERANCE, Surroundings, tolerance
from jaxsplat.data.smooth_surface import border_mask, connected, difference, spread
from jaxsplat.data.views import View

# A pixel with fewer marked ones among itself and its eight neighbours is noise; a line
# one pixel wide has three.
_MIN_NEIGHBOURS = 3
# Photographs with more noise than half a grey level are smoothed before they are
# compared, by a median over nine pixels.
_NOISY = 0.5 / 255
_FRAME = 4  # pixels along the border in which what is left of the noise is measured
# What differs by this much rings in a JPEG file, as far as its blocks of 8 pixels
# reach. It is measured beside the object's edge; less than a grey level is none, and
# quality 50 leaves four.
_STRONG = 30 / 255
_REACH = 8
_BESIDE = 2, 5
_LEAST_RINGING, _MOST_RINGING = 1 / 255, 4 / 255
# Of a noisy photograph's pixels: smaller specks, and smaller holes, are noise.
_SPECK = 1e-4


def silhouette(
    view: View, background: RGB | Surroundings | None
) -> Bool[np.ndarray, "h w"] | None:
    """Returns where a view shows the object, or None where that cannot be told.

    With alpha, or a mask of its own, these are the pixels covered by more than half.
    Else, on a plain background, the pixels of which any channel differs from it by more
    than two grey levels of 255 and four times the noise; what is too small to be more
    than noise is dropped. A hard shadow on the background counts as object, and parts
    in exactly its colour do not.

    Args:
        view: the photograph, [h, w].
        background: what stands behind its object: `model_background` of the photograph,
            or one colour where that is known to be all; None where it is not known.
    """
    if view.alpha is not None:
        return view.alpha > 0.5
    if view.foreground is not None:
        return view.foreground > 0.5
    if background is None:
        return None
    if not isinstance(background, Surroundings):
        return _without_pixels(_differs(view.image, background, TOLERANCE))
    if not background.is_plain:
        return None
    return differing(view.image, background)


def is_noisy(background: Surroundings) -> bool:
    """Returns whether a photograph has noise enough to be smoothed."""
    return background.noise > _NOISY


def differing(
    image: Float[np.ndarray, "h w 3"], background: Surroundings
) -> Bool[np.ndarray, "h w"]:
    """Returns where a photograph differs from a model of its background."""
    behind = background.image
    strong = _filled(_differs(image, behind, _STRONG))
    ringing = _ringing(image - behind, strong)
    if not is_noisy(background) and not ringing:
        return _without_pixels(_differs(image, behind, TOLERANCE))
    smooth = cv2.medianBlur(image, 3)
    left = np.ones(image.shape[:2], bool)
    left[_FRAME:-_FRAME, _FRAME:-_FRAME] = False
    left &= ~_differs(smooth, behind, tolerance(background.noise))
    far = max(TOLERANCE, 4 * spread((smooth - behind)[left]))
    beside = max(far, 3 * ringing) if ringing > 1.5 * background.noise else far
    slack = np.where(_widened(strong, _REACH), beside, far)
    return _without_specks(
        _differs(smooth, behind, slack),
        max(round(_SPECK * image.shape[0] * image.shape[1]), _MIN_NEIGHBOURS),
    )


def _ringing(
    residuals: Float[np.ndarray, "h w 3"], strong: Bool[np.ndarray, "h w"]
) -> float:
    """Returns the standard deviation of what compression leaves beside the object.

    It is nothing in a photograph without compression, where three quarters of the
    pixels there are plain, or are parts of the object, which do not change from pixel
    to pixel.
    """
    weak = np.clip(residuals, -_STRONG, _STRONG)
    nearer, farther = (_widened(strong, reach) for reach in _BESIDE)
    changing = difference(weak, cv2.blur(weak, (5, 5)))[farther & ~nearer]
    if not changing.size:
        return 0.0
    # For Gaussian noise, three quarters of the worst of three channels are within 1.69
    # standard deviations.
    found = float(np.quantile(changing, 0.75)) / 1.69
    return min(found, _MOST_RINGING) if found >= _LEAST_RINGING else 0.0


def _widened(mask: Bool[np.ndarray, "h w"], reach: int) -> Bool[np.ndarray, "h w"]:
    kernel = np.ones((2 * reach + 1,) * 2, np.uint8)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def _filled(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Returns the mask with what it encloses."""
    outside = np.pad(~mask, 1, constant_values=True)
    frame = border_mask(*outside.shape)
    return ~connected(outside, frame)[1:-1, 1:-1]


def _differs(
    image: Float[np.ndarray, "h w 3"],
    background: RGB | Float[np.ndarray, "h w 3"],
    slack: float | Float[np.ndarray, "h w"],
) -> Bool[np.ndarray, "h w"]:
    return difference(image, np.asarray(background, np.float32)) > slack


def _without_pixels(marked: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Returns the marked pixels that are neither single nor pairs."""
    padded = np.pad(marked, 1).astype(np.int32)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    neighbours = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return marked & (neighbours >= _MIN_NEIGHBOURS)


def _without_specks(
    marked: Bool[np.ndarray, "h w"], least: int
) -> Bool[np.ndarray, "h w"]:
    """Returns the mask without parts and holes of fewer than `least` pixels."""
    for value in (True, False):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            (marked == value).astype(np.uint8), connectivity=8 if value else 4
        )
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        marked = np.where(small[labels], not value, marked)
    return marked
