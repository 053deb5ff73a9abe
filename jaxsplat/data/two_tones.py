"""A floor and a wall: two smooth tones that meet in a line."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from jaxsplat.data import smooth_surface

# Tones differ by at least three grey levels, and by less than an object in front of a
# background may.
_LEAST_STEP = 3 / 255
_MOST_STEP = 90 / 255
_LEAST_SHARE = 0.15  # of the border, for a tone
# Pixels about the line that may have any mixture of both tones.
_SEAM = 2.5
# From a tone; what differs by more is in front of it. Noise may need more.
_DIFFERS = 4 / 255
_LEAST_SIDE = 8  # pixels of a reduced photograph in which a line can be seen
# Pixels of the reduced border that the step from one to the other may take.
_WIDEST = 4


def fit(
    image: Float[np.ndarray, "h w 3"],
    small: Float[np.ndarray, "i j 3"],
    scale: float,
) -> Float[np.ndarray, "h w 3"] | None:
    """Returns what stands behind the object, or None where it is not two tones.

    The two commonest tones of the border must each take one stretch of it. Beside the
    line that joins the ends of the stretches, the seam, the background is what the
    photograph shows, as far as that lies between the tones; but not where something
    else stands on both sides of it, since an object in front of the seam may have any
    tone.

    Args:
        image: the photograph.
        small: the same, reduced to some thousand pixels.
        scale: standard deviation of a pixel of `small` in the background.
    """
    if min(small.shape[:2]) < _LEAST_SIDE:
        return None
    path = _around(*small.shape[:2])
    seam = _seam(small[path[:, 1], path[:, 0]].mean(axis=1), scale)
    if seam is None:
        return None
    turns = np.append(path, path[:1], axis=0) + 0.5
    steps = np.arange(len(turns))
    ends = np.stack([np.interp(np.mod(seam, len(path)), steps, c) for c in turns.T], 1)
    ends *= np.array(image.shape[1::-1]) / small.shape[1::-1]
    away = _signed_distance(ends, *image.shape[:2])
    reduced = cv2.resize(away, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    ring = smooth_surface.border_mask(*small.shape[:2])
    clear = 1.5 * image.shape[0] / small.shape[0]
    sides = []
    for sign in (-1, 1):
        within = sign * reduced > clear
        if (within & ring).sum() < 9:
            return None
        fitted = smooth_surface.fit(small, ring, 2, scale, within)
        sides.append(smooth_surface.evaluate(fitted, *image.shape[:2]))
    behind = np.where((away > 0)[..., None], sides[1], sides[0])
    between = np.clip(image, np.minimum(*sides), np.maximum(*sides))
    finer = image.shape[0] / small.shape[0]
    other = np.abs(image - behind).max(axis=2) > max(_DIFFERS, 3 * finer * scale)
    covered = _crossed(cv2.medianBlur(other.astype(np.uint8), 3), ends)
    seam = (np.abs(away) <= _SEAM) & ~covered
    return np.where(seam[..., None], between, behind)


def _around(height: int, width: int) -> Int[np.ndarray, "n 2"]:
    """Returns columns and rows of the border's pixels in order, once around."""
    x, y = np.arange(width), np.arange(height)
    top = np.stack([x, np.zeros_like(x)], axis=1)
    right = np.stack([np.full_like(y, width - 1), y], axis=1)
    bottom = np.stack([x, np.full_like(x, height - 1)], axis=1)[::-1]
    left = np.stack([np.zeros_like(y), y], axis=1)[::-1]
    return np.concatenate([side[:-1] for side in (top, right, bottom, left)])


def _two_commonest(tones: Float[np.ndarray, " n"]) -> tuple[float, float] | None:
    """Returns the two commonest tones that are far enough apart, or None."""
    counts = np.histogram(tones, bins=256, range=(-0.5 / 255, 255.5 / 255))[0]
    counts = np.convolve(counts, np.ones(5), "same")
    first = int(np.argmax(counts))
    levels = np.abs(np.arange(256) - first) / 255
    others = np.where(
        (levels >= _LEAST_STEP + 4 / 255) & (levels <= _MOST_STEP), counts, 0
    )
    second = int(np.argmax(others))
    if min(counts[first], others[second]) < _LEAST_SHARE * len(tones) / 2:
        return None
    return first / 255, second / 255


def _seam(tones: Float[np.ndarray, " n"], scale: float) -> tuple[float, float] | None:
    """Returns where along the border one tone turns into the other and back.

    Positions are in pixels along the border, a pixel's middle at its index.
    """
    found = _two_commonest(tones)
    if found is None:
        return None
    first, second = found
    nearer = np.abs(tones - first) > np.abs(tones - second)
    slack = max(abs(first - second) / 3, 3 * scale)
    known = np.minimum(np.abs(tones - first), np.abs(tones - second)) <= slack
    places = np.nonzero(known)[0]
    changes = np.nonzero(nearer[places] != nearer[np.roll(places, -1)])[0]
    shares = known.mean(), (known & nearer).mean(), (known & ~nearer).mean()
    if len(changes) != 2 or shares[0] < 0.5 or min(shares[1:]) < _LEAST_SHARE:
        return None
    ends = []
    for change in changes:
        start, stop = places[change], places[(change + 1) % len(places)]
        between = np.arange(start + 1, start + 1 + (stop - start - 1) % len(tones))
        if len(between) > _WIDEST:
            return None
        mixed = tones[between % len(tones)]
        ahead = second if nearer[start] else first
        behind = first if nearer[start] else second
        share = np.clip((mixed - behind) / (ahead - behind), 0, 1)
        ends.append(float(start + 0.5 + share.sum()))
    return ends[0], ends[1]


def _normal(ends: Float[np.ndarray, "2 2"]) -> Float[np.ndarray, "2"]:
    """Returns the unit vector across the line through two points."""
    along = ends[1] - ends[0]
    return np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-6)


def _signed_distance(
    ends: Float[np.ndarray, "2 2"], height: int, width: int
) -> Float[np.ndarray, "h w"]:
    """Returns each pixel's distance from the line through two points, either side."""
    normal = _normal(ends)
    x = np.arange(width) + 0.5 - ends[0, 0]
    y = (np.arange(height) + 0.5 - ends[0, 1])[:, None]
    return (normal[0] * x + normal[1] * y).astype(np.float32)


def _crossed(
    other: UInt8[np.ndarray, "h w"], ends: Float[np.ndarray, "2 2"]
) -> Bool[np.ndarray, "h w"]:
    """Returns the pixels that have marks on both sides, across a line.

    Args:
        other: the marks, 1 where there is one.
        ends: two points of the line: columns and rows.
    """
    normal = _normal(ends)
    shown = []
    for step in (-1, 1):
        across = step * (2 * _SEAM + 1) * normal
        moved = np.array([[1, 0, across[0]], [0, 1, across[1]]], np.float32)
        flags = cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
        size = other.shape[::-1]
        shown.append(cv2.warpAffine(other, moved, size, flags=flags))
    return np.logical_and(*shown)
