"""Soft shadows on a plain background."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data.smooth_surface import border_mask, connected, difference

SIDE = 240  # pixels of the reduced photograph's longer side
# A shadow dims all channels alike, to within this share of the light,
_CHROMA = 0.03
# not below this,
_DARKEST = 0.45
# and without edges. Blurring by these deviations, in pixels of the reduced photograph,
# makes the slope of an edge unlike by a fifth of its height, and leaves that of a soft
# shadow; it may differ by so much, which an edge of 8 grey levels does.
_BLURS = 1.0, 2.0
_EDGE = 1.5 / 255
# Where an object is as bright as the shadow beside it, there is no edge: what a disc of
# this radius in pixels cannot pass is closed.
_GAP = 6
# The edge of an object, steeper than this from pixel to pixel, spreads so far when
# blurred. Up to it a shadow is followed where neighbours differ by no more than a step.
_STEEP, _SPREAD, _STEP = 15 / 255, 5, 6 / 255
# In fewer pixels than these a side, all edges of an object are near to one another.
_SMALLEST = 8 * _GAP
# A smaller one is left to the object: 1 in 200 pixels.
_LEAST = 0.005


def find(
    image: Float[np.ndarray, "h w 3"], behind: Float[np.ndarray, "h w 3"], scale: float
) -> Float[np.ndarray, "h w"] | None:
    """Returns the share of light that soft shadows leave, or None without shadows.

    A shadow is darker than the background and of its hue, and one comes from the
    background into it over no edge. Under the object it is continued.

    Args:
        image: the photograph, its longer side reduced to `SIDE`.
        behind: what stands behind the object, in full light.
        scale: standard deviation of a background pixel.
    """
    if min(image.shape[:2]) < _SMALLEST:
        return None
    smooth, smoother = (cv2.GaussianBlur(image, (0, 0), blur) for blur in _BLURS)
    agrees = difference(smooth, behind) <= 3 * scale
    gentle = _steepness(smooth - smoother) <= _EDGE + 0.6 * scale
    gentle &= agrees | _is_dimmed(smooth, behind, scale)
    reached = _passable(gentle, agrees)
    if (reached & ~agrees).mean() < _LEAST:
        return None
    steep = _steepness(image) > _STEEP + scale
    square = np.ones((2 * _SPREAD + 1,) * 2, np.uint8)
    allowed = cv2.dilate(steep.astype(np.uint8), square) > 0
    allowed &= agrees | _is_dimmed(image, behind, scale)
    known = _followed(image, reached, allowed, _STEP + 2 * scale)
    ratio = (image / np.maximum(behind, 1e-3)).mean(axis=2)
    return _continued(np.where(agrees, 1, ratio).astype(np.float32), known)


def _steepness(image: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """Returns by how much the brightness changes from pixel to pixel."""
    down, across = np.gradient(image.mean(axis=2))
    return np.hypot(across, down)


def _passable(
    gentle: Bool[np.ndarray, "h w"], agrees: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Returns where a disc comes on gentle pixels from the border that agrees."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _GAP + 1,) * 2)
    # Beyond the frame all is passable, or none of the border would be.
    middles = cv2.erode(gentle.astype(np.uint8), disc, borderValue=1) > 0
    come = connected(middles, border_mask(*gentle.shape) & agrees)
    return (cv2.dilate(come.astype(np.uint8), disc) > 0) & gentle


def _is_dimmed(
    image: Float[np.ndarray, "h w 3"], behind: Float[np.ndarray, "h w 3"], scale: float
) -> Bool[np.ndarray, "h w"]:
    """Returns where an image is darker than what stands behind, and of its hue."""
    ratios = image / np.maximum(behind, 1e-3)
    ratio = ratios.mean(axis=2)
    slack = _CHROMA + 2 * scale / np.maximum(behind.mean(axis=2), 1e-3)
    dimmed = (ratio < 1) & (ratio > _DARKEST)
    return dimmed & (difference(ratios, ratio[..., None]) <= slack)


def _followed(
    image: Float[np.ndarray, "h w 3"],
    reached: Bool[np.ndarray, "h w"],
    allowed: Bool[np.ndarray, "h w"],
    step: float,
) -> Bool[np.ndarray, "h w"]:
    """Returns what is reached, and what is reached from there by small steps.

    Args:
        image: the photograph.
        reached: where the steps begin.
        allowed: where they may lead.
        step: the most that two neighbours differ by.
    """
    sides = []
    for axis in (0, 1):
        small = np.abs(np.diff(image, axis=axis)).max(axis=2) <= step
        every = (slice(None),) * axis
        sides.append((small, (*every, slice(None, -1)), (*every, slice(1, None))))
    known = reached
    for _ in range(_SPREAD):
        grown = known.copy()
        for small, first, second in sides:
            grown[second] |= known[first] & small
            grown[first] |= known[second] & small
        known = known | (grown & allowed)
    return known


def _continued(
    ratio: Float[np.ndarray, "h w"], known: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w"]:
    """Returns the ratio where it is known, and the mean of what is near elsewhere."""
    weight = known.astype(np.float32)
    mean = np.ones_like(ratio)
    # From coarse to fine: far from all that is known, only a wide mean says something.
    for width in (48.0, 24.0, 12.0, 6.0, 3.0, 1.0):
        total = cv2.GaussianBlur(weight, (0, 0), width)
        near = cv2.GaussianBlur(weight * ratio, (0, 0), width) / np.maximum(total, 1e-6)
        trust = np.minimum(total / 0.2, 1)
        mean = trust * near + (1 - trust) * mean
    return np.where(known, ratio, mean)
