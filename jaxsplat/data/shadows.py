"""Soft shadows on a plain background."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data.smooth_surface import border_mask, connected, difference

# A shadow dims all channels alike, to within this share of the light,
_CHROMA = 0.03
# not below this,
_DARKEST = 0.45
# and by at most this much from a pixel of the reduced photograph to the next; the edge
# of an object is steeper.
_STEEPEST = 4 / 255
_BLUR = 1.5  # pixels of the reduced photograph, standard deviation
_EDGE = 7  # pixels of the reduced photograph about which blurring mixes both sides
# A smaller one is left to the object: 1 in 200 pixels.
_LEAST = 0.005


def find(
    image: Float[np.ndarray, "h w 3"], behind: Float[np.ndarray, "h w 3"], scale: float
) -> Float[np.ndarray, "h w"] | None:
    """Returns the share of light that soft shadows leave, or None without shadows.

    A shadow is darker than the background and of its hue, and one comes from the
    background into it without a step. Under the object it is continued.

    Args:
        image: the photograph, reduced to some thousand pixels.
        behind: what stands behind the object, in full light.
        scale: standard deviation of a background pixel.
    """
    if min(image.shape[:2]) <= _EDGE:
        return None
    smooth = cv2.GaussianBlur(image, (0, 0), _BLUR)
    ratios = smooth / np.maximum(behind, 1e-3)
    ratio = ratios.mean(axis=2)
    chroma = difference(ratios, ratio[..., None])
    across, down = np.gradient(smooth.mean(axis=2))
    steepness = np.hypot(across, down)
    light = behind.mean(axis=2)
    dim = (ratio < 1) & (ratio > _DARKEST)
    dim &= chroma <= _CHROMA + 2 * scale / np.maximum(light, 1e-3)
    dim &= steepness <= _STEEPEST + scale / 2
    agrees = difference(smooth, behind) <= 3 * scale
    reached = connected(dim | agrees, border_mask(*dim.shape) & agrees)
    # Next to the object's edge, blurring makes a shadow of its own.
    core = cv2.erode(reached.astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8)) > 0
    if (core & ~agrees).mean() < _LEAST:
        return None
    return _continued(np.where(agrees, 1, ratio).astype(np.float32), core)


def _continued(
    ratio: Float[np.ndarray, "h w"], known: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Returns the ratio where it is known, and the mean of what is near elsewhere."""
    weight = known.astype(np.float32)
    mean = np.ones_like(ratio)
    # From coarse to fine: far from all that is known, only a wide mean says something.
    for width in (16.0, 8.0, 4.0, 2.0):
        total = cv2.GaussianBlur(weight, (0, 0), width)
        near = cv2.GaussianBlur(weight * ratio, (0, 0), width) / np.maximum(total, 1e-6)
        trust = np.minimum(total / 0.2, 1)
        mean = trust * near + (1 - trust) * mean
    return np.where(known, ratio, mean)
