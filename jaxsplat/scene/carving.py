"""Points against silhouettes: which lie on the object, and where they are seen."""

import dataclasses
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.core.cameras import Camera
from jaxsplat.scene.pinhole import focal_length, in_image, project_points

# A point that fewer views frame than this share of what the best framed point has is no
# object: nothing but the frames' limits would speak for it.
_MIN_FRAMED = 0.5
# Views between two looks at which points are left.
_TOGETHER = 8


@dataclasses.dataclass(frozen=True)
class Silhouettes:
    """Where `v` views show an object.

    Attributes:
        masks: true on the object, [v, h, w].
        distances: of each pixel to its view's mask, in pixels, [v, h, w].
        cameras: the stack of the views' cameras.
    """

    masks: Bool[np.ndarray, "v h w"]
    distances: Float[np.ndarray, "v h w"]
    cameras: Camera

    @classmethod
    def of(cls, masks: Bool[np.ndarray, "v h w"], cameras: Camera) -> "Silhouettes":
        """Returns the record for masks."""
        distances = [
            cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
            for mask in masks
        ]
        return cls(masks, np.stack(distances), cameras)


def least_dissent(
    points: Float[np.ndarray, "n 3"],
    reach: float,
    silhouettes: Silhouettes,
    most: float,
) -> Float[np.ndarray, " n"]:
    """Returns the share of the views that frame each point which call it background.

    A view says nothing about points outside its image. Points that few views frame, or
    of which the share is more than asked for, have infinity: they are on no object.

    Args:
        points: positions in the world.
        reach: how near to a silhouette, in scene units, is still on it.
        silhouettes: of the views.
        most: the largest share that is asked for.
    """
    views, size = len(silhouettes.masks), len(points)
    kept = np.arange(size)
    framed, against = np.zeros(size, np.int32), np.zeros(size, np.int32)
    # Views far from one another soon agree on most of what is background; 0.618... is
    # the golden section, whose multiples spread evenly.
    order = np.argsort(np.arange(views) * 0.6180339887 % 1)
    with ThreadPoolExecutor() as pool:
        for first in range(0, views, _TOGETHER):
            group = order[first : first + _TOGETHER].tolist()
            ask = functools.partial(_asked, points, reach, silhouettes)
            for seen, dissents in pool.map(ask, group):
                framed += seen
                against += dissents
            # No later view can save what this many are against.
            left = against <= most * views
            kept, points = kept[left], points[left]
            framed, against = framed[left], against[left]
    shares = np.full(size, np.inf)
    left = framed >= max(_MIN_FRAMED * framed.max(initial=0), 1)
    left &= against <= most * framed
    shares[kept[left]] = against[left] / framed[left]
    return shares


def _asked(
    points: Float[np.ndarray, "n 3"], reach: float, silhouettes: Silhouettes, view: int
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Returns which points a view frames, and which of these it calls background."""
    cameras, distances = silhouettes.cameras, silhouettes.distances[view]
    pixels, local = project_points(points, cameras, view)
    seen, rows, columns = in_image(pixels, local[:, 2], *distances.shape[::-1])
    limit = reach * focal_length(cameras, view) / np.maximum(local[seen, 2], 1e-6)
    dissents = np.zeros(len(points), bool)
    dissents[seen] = distances[rows, columns] > limit
    return seen, dissents


def inside(
    points: Float[np.ndarray, "n 3"],
    reach: float,
    silhouettes: Silhouettes,
    dissent: float,
) -> Bool[np.ndarray, " n"]:
    """Returns which points lie on the object, as most views say that frame them.

    Args:
        points: positions in the world.
        reach: how near to a silhouette, in scene units, is still on it.
        silhouettes: of the views.
        dissent: share of the views that frame a point that may call it background.
    """
    return np.isfinite(least_dissent(points, reach, silhouettes, dissent))


def outlines(
    points: Float[np.ndarray, "n 3"], spacing: float, cameras: Camera
) -> list[Bool[np.ndarray, "_ _"]]:
    """Returns each view's picture of a surface that is given by points.

    Args:
        points: positions on the surface, the neighbours' distance apart.
        spacing: that distance.
        cameras: the stack of the views' cameras.

    Returns:
        A picture for each view, in pixels of about one spacing.
    """
    kernel = np.ones((3, 3), np.uint8)
    found = []
    for view in range(len(cameras.fx)):
        pixels, local = project_points(points, cameras, view)
        depth = float(np.median(local[:, 2])) if len(points) else 1.0
        focal = focal_length(cameras, view)
        zoom = min(max(depth, 1e-6) / (focal * spacing), 1.0)
        width = max(round(cameras.width * zoom), 1)
        height = max(round(cameras.height * zoom), 1)
        pixels = pixels * np.array([width / cameras.width, height / cameras.height])
        _, rows, columns = in_image(pixels, local[:, 2], width, height)
        picture = np.zeros((height, width), np.uint8)
        picture[rows, columns] = 1
        # Where the frame cuts the surface off, it goes on beyond.
        found.append(cv2.morphologyEx(picture, cv2.MORPH_CLOSE, kernel) > 0)
    return found


def agreement(
    silhouettes: Bool[np.ndarray, "v h w"], outlines: Sequence[Bool[np.ndarray, "_ _"]]
) -> Float[np.ndarray, " v"]:
    """Returns the intersection over union of each view's silhouette and outline.

    Two empty pictures have none.
    """
    shares = []
    for silhouette, outline in zip(silhouettes, outlines, strict=True):
        small = _resized(silhouette, outline)
        union = int((small | outline).sum())
        shares.append((small & outline).sum() / union if union else 0.0)
    return np.array(shares, np.float32)


def explained(
    silhouettes: Bool[np.ndarray, "v h w"], outlines: Sequence[Bool[np.ndarray, "_ _"]]
) -> float:
    """Returns the share of all silhouettes' pixels that outlines cover; 1 of none."""
    pairs = list(zip(silhouettes, outlines, strict=True))
    small = [_resized(silhouette, outline) for silhouette, outline in pairs]
    total = sum(int(each.sum()) for each in small)
    covered = sum(int((s & o).sum()) for s, o in zip(small, outlines, strict=True))
    return covered / total if total else 1.0


def _resized(
    silhouette: Bool[np.ndarray, "h w"], like: Bool[np.ndarray, "_ _"]
) -> Bool[np.ndarray, "_ _"]:
    """Returns a silhouette at another picture's size."""
    size = like.shape[::-1]
    area = cv2.INTER_AREA
    return cv2.resize(silhouette.astype(np.float32), size, None, 0, 0, area) > 0.5
