"""How far a photograph's pixels show an object before white: its matte."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

# PTAD segments "by threshold" and does not say which: what is darker in one channel
# than nine levels below white is object. Its antialiased rim belongs to it, pale parts
# too.
_WHITE = 246 / 255
# A rim's pixel mixes the object with white; the object's own darkness is told by the
# darkest pixel so near.
_NEAR = 2


def threshold_mask(image: Float[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Returns what PTAD takes for the object: all that is not white, RGB in [0, 1]."""
    return image.min(axis=2) < _WHITE


def matte(image: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """Returns the coverage of an object before white, in [0, 1].

    Inside the object it is 1 whatever the colours; along its rim a pixel is as much
    object as it is dark, compared with the darkest beside it. A threshold's mask is
    half a pixel too wide all round.

    Args:
        image: RGB in [0, 1], [h, w, 3].
    """
    mask = threshold_mask(image).astype(np.float32)
    dark = 1 - image.min(axis=2)
    size = 2 * _NEAR + 1
    full = cv2.dilate(dark, np.ones((size, size), np.uint8))
    share = np.clip(dark / np.maximum(full, 1e-3), 0.0, 1.0)
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8))
    return np.where(inside > 0, np.float32(1), mask * share).astype(np.float32)
