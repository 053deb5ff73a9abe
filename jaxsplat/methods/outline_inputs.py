"""What PTAD's network is shown of photographs and references."""

import dataclasses

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.features.mmpdn import MmpdnConfig

# The outlines' difference, opened by a square of so many pixels: thinner differences
# are what is left of pose and mask.
_OPENING = 3
# Depths of one object differ by less than its distance; its own range is shown.
_EPSILON = 1e-3
# Of the window in which slopes count as strong or faint, as a share of the side.
_AROUND = 1 / 16
FURTHER = 2  # maps of `Inputs.further`
NUMBERS = 4  # of `Inputs.numbers`


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What the network takes, of n photographs.

    Attributes:
        photographs: [n, s, s, 3].
        references: of the same size.
        further: differences of the outlines by cell, [n, m, m, f].
        numbers: of whole outlines, [n, g].
    """

    photographs: Float[np.ndarray, "n s s 3"]
    references: Float[np.ndarray, "n s s 3"]
    further: Float[np.ndarray, "n m m f"]
    numbers: Float[np.ndarray, "n g"]


def plain_inputs(
    config: MmpdnConfig,
    images: Float[np.ndarray, "n h w 3"],
    depths: Float[np.ndarray, "n h w"],
) -> Inputs:
    """Returns the paper's inputs: RGB, and depth thrice, near 1 and far 0.

    Args:
        config: of the network, without further maps and numbers.
        images: photographs, RGB in [0, 1].
        depths: 0 where there is no object.
    """
    side, count = config.side, len(images)
    near = np.stack([shown_depth(depth) for depth in depths])
    return Inputs(
        np.stack([_resized(image, side) for image in images]),
        np.stack([_resized(d, side) for d in near])[..., None].repeat(3, axis=-1),
        np.zeros((count, config.cells, config.cells, 0), np.float32),
        np.zeros((count, 0), np.float32),
    )


def outline_inputs(
    config: MmpdnConfig,
    images: Float[np.ndarray, "n h w 3"],
    mattes: Float[np.ndarray, "n h w"],
    coverages: Float[np.ndarray, "n h w"],
    depths: Float[np.ndarray, "n h w"],
) -> Inputs:
    """Returns inputs in which photograph and reference are as alike as can be made.

    Both are shown as brightness or depth, outline, and edges in multiples of the edges
    around them. Beside them stand the outlines' differences, at the photographs' own
    size before they are reduced: a rung that is missing is two pixels thick.

    Args:
        config: of the network.
        images: photographs, RGB in [0, 1].
        mattes: coverage of the object in them.
        coverages: of the shape in renders from their poses.
        depths: of the same renders, 0 where there is no object.
    """
    side = config.side
    shown, expected, further, numbers = [], [], [], []
    for image, matte, coverage, depth in zip(images, mattes, coverages, depths):
        grey = image.mean(axis=2) * matte
        near = shown_depth(depth)
        shown.append(_shown(grey, matte, image, side))
        expected.append(_shown(near, coverage, near[..., None], side))
        both = differences(matte, coverage)
        further.append(_largest(both, config.cells))
        numbers.append(outline_numbers(matte, coverage, both))
    return Inputs(*map(np.stack, (shown, expected, further, numbers)))


def shown_depth(depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Returns depth as a picture: 1 at the nearest pixel, above .2 at the farthest."""
    there = depth > 0
    if not there.any():
        return np.zeros_like(depth)
    low, high = depth[there].min(), depth[there].max()
    shown = 1 - 0.8 * (depth - low) / max(float(high - low), _EPSILON)
    return np.where(there, shown, 0.0).astype(np.float32)


def differences(
    matte: Float[np.ndarray, "h w"], coverage: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 2"]:
    """Returns what a photograph shows too much and too little, opened, in [0, 1]."""
    square = np.ones((_OPENING, _OPENING), np.uint8)
    change = (matte - coverage).astype(np.float32)
    both = [np.clip(sign * change, 0.0, 1.0) for sign in (1, -1)]
    opened = [cv2.morphologyEx(one, cv2.MORPH_OPEN, square) for one in both]
    return np.stack(opened, axis=2)


def outline_numbers(
    matte: Float[np.ndarray, "h w"],
    coverage: Float[np.ndarray, "h w"],
    both: Float[np.ndarray, "h w 2"],
) -> Float[np.ndarray, " g"]:
    """Returns numbers of two outlines, all 0 where they agree.

    They are the differing share of the joint area, and of the opened differences the
    root of the shares of the object's area that all, the largest piece too much and the
    largest piece too little take.
    """
    joint = float(np.maximum(matte, coverage).sum()) + 1.0
    shared = float(np.minimum(matte, coverage).sum()) + 1.0
    area = float(coverage.sum()) + 1.0
    pieces = [_largest_piece(both[..., k] > 0.5) for k in range(2)]
    shares = np.sqrt(np.array([float(both.sum()), *pieces]) / area)
    return np.concatenate([[1 - shared / joint], shares]).astype(np.float32)


def _largest_piece(mask: Bool[np.ndarray, "h w"]) -> float:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return float(stats[1:, cv2.CC_STAT_AREA].max(initial=0))


def _shown(
    tone: Float[np.ndarray, "h w"],
    outline: Float[np.ndarray, "h w"],
    image: Float[np.ndarray, "h w c"],
    side: int,
) -> Float[np.ndarray, "s s 3"]:
    planes = [tone, outline, edges(image)]
    return np.stack([_resized(plane, side) for plane in planes], axis=2)


def edges(image: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    """Returns the strength of edges in [0, 1), over that of the edges around them."""
    slopes = [
        cv2.Sobel(np.ascontiguousarray(image[..., c]), cv2.CV_32F, *order)
        for c in range(image.shape[2])
        for order in ((1, 0), (0, 1))
    ]
    strength = np.sqrt(sum(slope * slope for slope in slopes))
    size = max(int(_AROUND * image.shape[0]) | 1, 3)
    around = cv2.blur(strength, (size, size)) + 0.05
    return strength / (strength + 2 * around)


def _resized(image: Float[np.ndarray, "..."], side: int) -> Float[np.ndarray, "..."]:
    if image.shape[0] == side:
        return image.astype(np.float32)
    shrinks = image.shape[0] > side
    kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(image.astype(np.float32), (side, side), interpolation=kind)
    return resized


def _largest(
    maps: Float[np.ndarray, "h w f"], cells: int
) -> Float[np.ndarray, "m m f"]:
    """Returns the largest values in each of so many cells a side."""
    height, width, many = maps.shape
    reduced = maps.reshape(cells, height // cells, cells, width // cells, many)
    return reduced.max(axis=(1, 3))
