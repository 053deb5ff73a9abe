"""Area under the per-region-overlap curve (AUPRO) of MVTec AD."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import errors
from jaxsplat.metrics import ranking


def aupro(
    maps: Float[np.ndarray, "n h w"],
    masks: Bool[np.ndarray, "n h w"],
    limit: float = 0.3,
) -> float | None:
    """Returns the normalised area under the per-region-overlap curve.

    At each threshold, the overlap is the share of a defect region (8-connected) that
    scores at or above it, averaged over the regions of all images, so that a small
    region weighs as much as a large one; it is drawn against the false positive rate
    over the normal pixels of all images (Bergmann et al. 2021, "The MVTec Anomaly
    Detection Dataset", section 5.2). The curve runs through every threshold, straight
    between them, and is cut at `limit`, where it is interpolated.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w].
        limit: greatest false positive rate that counts; 0.3 in the field's tables.

    Returns:
        The area divided by `limit`, in [0, 1], or None where `why_undefined(masks)`
        has a reason.

    Raises:
        ConfigError: the limit is not in (0, 1].
        NumericsError: a score is NaN or infinite.
    """
    return area_under_pro(pro_curve(maps, masks), limit)


def area_under_pro(
    curve: Float[np.ndarray, "p 2"] | None, limit: float = 0.3
) -> float | None:
    """Returns what `aupro` does, of a curve that is known.

    Args:
        curve: see `pro_curve`.
        limit: greatest false positive rate that counts.

    Raises:
        ConfigError: the limit is not in (0, 1].
    """
    if not 0 < limit <= 1:
        raise errors.ConfigError(f"limit: found {limit}, expected 0 < limit <= 1")
    if curve is None:
        return None
    return _area(curve[:, 0], curve[:, 1], limit) / limit


def pro_curve(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> Float[np.ndarray, "p 2"] | None:
    """Returns the whole per-region-overlap curve, or None where it is undefined.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w].

    Returns:
        False positive rate and mean overlap, both rising, through every threshold.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    ranking.check_finite(maps)
    if ranking.why_undefined(masks):
        return None
    values, steps = _overlap_steps(maps, masks)
    above, equal = ranking.count_normals(values, maps, masks)
    normal = masks.size - np.count_nonzero(masks)
    # Falling thresholds. Each gives the point just before it and the point at it; the
    # normal scores between two defective ones lie on the level line that joins them.
    rate = np.stack([above, above + equal], axis=1)[::-1].ravel() / normal
    overlap_after = np.cumsum(steps[::-1])
    overlap = np.stack([overlap_after - steps[::-1], overlap_after], axis=1).ravel()
    return np.column_stack([np.append(rate, 1.0), np.append(overlap, 1.0)])


def _overlap_steps(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Returns the distinct defective scores, rising, and the mean overlap each adds."""
    scores, weights, regions = [], [], 0
    for values, mask in zip(maps, masks, strict=True):
        if not mask.any():
            continue
        count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        region = labels[mask]
        scores.append(values[mask])
        weights.append((1.0 / np.maximum(np.bincount(region), 1))[region])
        regions += count - 1
    distinct, inverse = np.unique(np.concatenate(scores), return_inverse=True)
    steps = np.bincount(inverse, weights=np.concatenate(weights))
    return distinct, steps / regions


def _area(
    x: Float[np.ndarray, " p"], y: Float[np.ndarray, " p"], limit: float
) -> float:
    """Returns the area under the line through (x, y), x rising, from x[0] to limit."""
    wide = (x[1:] > x[:-1]) & (x[:-1] < limit)
    x0, x1, y0, y1 = x[:-1][wide], x[1:][wide], y[:-1][wide], y[1:][wide]
    end = np.minimum(x1, limit)
    y_end = y0 + (y1 - y0) * (end - x0) / (x1 - x0)
    return float(np.sum((end - x0) * (y0 + y_end)) / 2)
