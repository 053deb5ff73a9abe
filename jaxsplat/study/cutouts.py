"""The object of a photograph, cut out of it: colour and coverage."""

import dataclasses

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from jaxsplat.data.background import TOLERANCE

# Enclosed pieces in the background's colour that are smaller than this share of the
# picture are highlights of the object, larger ones are holes through it.
_LARGEST_HIGHLIGHT = 1 / 5000
_LEAST = 1e-3  # coverage below which a colour cannot be told
_SQUARE = np.ones((3, 3), bool)


@dataclasses.dataclass(frozen=True)
class Cutout:
    """An object without its surroundings.

    Attributes:
        color: RGB in [0, 1], not premultiplied; beyond the outline it goes on with the
            nearest colour of the object, [h, w, 3].
        coverage: of each pixel by the object, in [0, 1], [h, w].
    """

    color: Float[np.ndarray, "h w 3"]
    coverage: Float[np.ndarray, "h w"]


def over(
    color: Float[np.ndarray, "h w 3"],
    coverage: Float[np.ndarray, "h w"],
    behind: Float[np.ndarray, "h w 3"],
) -> Float[np.ndarray, "h w 3"]:
    """Returns a layer (RGB, not premultiplied) in front of a picture."""
    share = coverage[..., None]
    return (share * color + (1 - share) * behind).astype(np.float32)


def of_alpha(
    image: Float[np.ndarray, "h w 3"], alpha: Float[np.ndarray, "h w"]
) -> Cutout:
    """Returns the object of an image that has alpha.

    Args:
        image: RGB, premultiplied, [h, w, 3].
        alpha: coverage, [h, w].
    """
    straight = image / np.maximum(alpha, _LEAST)[..., None]
    return Cutout(_continued(straight, alpha > _LEAST), alpha.astype(np.float32))


def of_plain_background(
    image: Float[np.ndarray, "h w 3"], background: Float[np.ndarray, "3"]
) -> Cutout:
    """Returns the object of a photograph on a plain background.

    What differs from the background is the object. At its outline, one pixel wide,
    coverage follows from how far the colour has come from the background's to that of
    the nearest pixel inside. Put over the same background again it gives the photograph
    back, within `TOLERANCE`.

    Args:
        image: RGB in [0, 1], [h, w, 3].
        background: RGB behind the object, [3].
    """
    marked = _marked(image, background)
    inside = ndimage.binary_erosion(marked, _SQUARE, border_value=1)
    outline = marked & ~inside
    difference = image - background
    towards = _continued(image, inside) - background
    length = np.maximum((towards**2).sum(axis=-1), _LEAST)
    share = (difference * towards).sum(axis=-1) / length
    # Less coverage than this would need a colour outside of [0, 1].
    room = np.where(difference > 0, 1 - background, background)
    least = (np.abs(difference) / np.maximum(room, _LEAST)).max(axis=-1)
    soft = np.clip(share, np.clip(least, _LEAST, 1), 1)
    coverage = np.where(outline, soft, inside.astype(image.dtype))
    straight = background + difference / np.maximum(coverage, _LEAST)[..., None]
    color = _continued(np.clip(straight, 0, 1), marked)
    return Cutout(color, coverage.astype(np.float32))


def _marked(
    image: Float[np.ndarray, "h w 3"], background: Float[np.ndarray, "3"]
) -> Bool[np.ndarray, "h w"]:
    """Returns where a picture differs from a colour, small gaps filled."""
    marked = np.abs(image - background).max(axis=-1) > TOLERANCE
    gaps, _ = ndimage.label(~marked)
    sizes = np.bincount(gaps.ravel())
    small = sizes < _LARGEST_HIGHLIGHT * marked.size
    small[0] = False  # the object itself
    on_border = np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]])
    small[on_border] = False
    return marked | small[gaps]


def _continued(
    color: Float[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Returns colours where they are known, and the nearest known one elsewhere."""
    if not known.any():
        return color.astype(np.float32)
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8),
        cv2.DIST_L2,
        cv2.DIST_MASK_5,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    of_label = np.zeros((labels.max() + 1, 3), np.float32)
    of_label[labels[known]] = color[known]
    return of_label[labels]
