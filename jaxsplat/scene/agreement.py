"""Whether silhouettes of several views are of one solid object."""

import dataclasses
from collections.abc import Sequence

import cv2
import jax
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.core import cameras as camera_maths
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import DataError
from jaxsplat.scene import carving, hull

# A view disagrees when its agreement is this far under the median of all.
_FAR_UNDER = 0.1
_SIDE = 200  # pixels of the reduced silhouettes that are compared
# A part of a silhouette is kept when the hull's outline, this much wider, holds half.
_SLACK = 2
_HOLE = 0.01  # of a silhouette: larger holes are not noise
# A patch of a silhouette that reaches farther beyond the hull than this share of the
# picture's longer side is no part of the object; nearer than the other it may be.
_BEYOND, _NEAR = 0.01, 0.005


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How well silhouettes agree with the hull that most of them carve.

    Attributes:
        shares: intersection over union of each view, NaN where it has no silhouette.
        outlines: the hull's, of each view; empty where there is no hull.
        disputed: as in `SurfacePoints`.
    """

    shares: Float[np.ndarray, " v"]
    outlines: list[np.ndarray]
    disputed: float = 0.0

    @property
    def confidence(self) -> float:
        """The median of the shares."""
        return float(np.nanmedian(self.shares))

    @property
    def far_under(self) -> Bool[np.ndarray, " v"]:
        """Which views agree far less than the others."""
        return self.shares < self.confidence - _FAR_UNDER

    def outline(self, view: int, shape: tuple[int, ...]) -> Bool[np.ndarray, "h w"]:
        """Returns the hull's outline in a view, at a size; nothing without a hull."""
        if not self.outlines:
            return np.zeros(shape, bool)
        picture = self.outlines[view].astype(np.float32)
        return cv2.resize(picture, shape[::-1]) > 0.5


def agree(
    masks: Sequence[Bool[np.ndarray, "h w"] | None], cameras: Camera
) -> Agreement:
    """Returns how well masks agree with the hull that most of them carve."""
    known = np.array([i for i, mask in enumerate(masks) if mask is not None])
    height, width = cameras.height, cameras.width
    factor = min(1.0, _SIDE / max(height, width))
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    small = camera_maths.resized(cameras, *size)
    shown = [mask for mask in masks if mask is not None]
    reduced = np.stack(
        [cv2.resize(m.astype(np.float32), size, None, 0, 0, 3) > 0.5 for m in shown]
    )
    shares = np.full(len(masks), np.nan, np.float32)
    try:
        surface = hull.visual_hull(reduced, jax.tree.map(lambda x: x[known], small))
    except DataError:
        shares[known] = 0
        return Agreement(shares, [])
    outlines = carving.outlines(surface.points, surface.spacing, small)
    shares[known] = carving.agreement(reduced, [outlines[i] for i in known])
    return Agreement(shares, outlines, surface.disputed)


def supported(
    mask: Bool[np.ndarray, "h w"], outline: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Returns the parts of a mask that lie on the hull for the most part."""
    if not outline.any():
        return mask
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    grown = (
        cv2.dilate(outline.astype(np.uint8), np.ones((2 * _SLACK + 1,) * 2, np.uint8))
        > 0
    )
    total = np.bincount(labels.ravel(), minlength=count)
    on_hull = np.bincount(labels[grown], minlength=count)
    kept = on_hull >= 0.5 * total
    kept[0] = False
    return kept[labels]


def unsupported(
    mask: Bool[np.ndarray, "h w"], outline: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Returns the patches of a mask that reach far beyond the hull.

    The other views see through them, as where a mask that was drawn by hand keeps the
    background behind a handle. Slivers along edges stay.
    """
    if not outline.any():
        return np.zeros(mask.shape, bool)
    away = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5)
    side = max(mask.shape)
    far = (mask & (away > _BEYOND * side)).astype(np.uint8)
    seeds = cv2.morphologyEx(far, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    patches = (mask & (away > _NEAR * side)).astype(np.uint8)
    count, labels = cv2.connectedComponents(patches, connectivity=4)
    chosen = np.bincount(labels[seeds], minlength=count) > 0
    chosen[0] = False
    return chosen[labels]


def filled(
    mask: Bool[np.ndarray, "h w"], outline: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Returns a mask without the small holes and dents that the hull covers.

    Noise makes them where the object is nearly of the background's colour.
    """
    missing = (outline & ~mask).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(missing, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= _HOLE * mask.sum()
    small[0] = False
    return mask | small[labels]
