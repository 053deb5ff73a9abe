"""ALIKED in float64 NumPy, written from the papers, as an oracle.

Deformable convolutions and the descriptor head go pixel by pixel, tap by tap.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.helpers.numpy_layers import (
    Image,
    Params,
    batch_norm,
    convolution,
    of,
    softmax,
)

_REACH = 2


class Keypoint(NamedTuple):
    """One keypoint; pixels' centres are whole numbers."""

    x: float
    y: float
    score: float
    descriptor: NDArray[np.float64]


def _selu(x: Image) -> Image:
    # Klambauer et al., "Self-Normalizing Neural Networks" (NeurIPS 2017), Eq. 14.
    negative = 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)
    return 1.0507009873554805 * np.where(x > 0, x, negative)


def bilinear(x: Image, column: float, row: float) -> NDArray[np.float64]:
    """Returns the channels at a place between pixels; outside there is 0."""
    left, top = math.floor(column), math.floor(row)
    result = np.zeros(x.shape[0])
    for i in (top, top + 1):
        for j in (left, left + 1):
            if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]:
                result += (1 - abs(row - i)) * (1 - abs(column - j)) * x[:, i, j]
    return result


def _deformable(x: Image, params: Params, name: str) -> Image:
    kernel = of(params, f"{name}.regular_conv.weight")
    limit = max(x.shape[1:]) / 4
    offsets = convolution(x, params, f"{name}.offset_conv", padding=1)
    offsets = np.clip(offsets, -limit, limit)
    result = np.zeros((kernel.shape[0], *x.shape[1:]))
    for row in range(x.shape[1]):
        for column in range(x.shape[2]):
            for tap in range(9):
                down, right = offsets[2 * tap : 2 * tap + 2, row, column]
                read = bilinear(
                    x, column + tap % 3 - 1 + right, row + tap // 3 - 1 + down
                )
                result[:, row, column] += kernel[:, :, tap // 3, tap % 3] @ read
    return result


def _block(x: Image, params: Params, name: str) -> Image:
    inner = x
    for part in "12":
        if f"{name}.conv{part}.offset_conv.weight" in params:
            inner = _deformable(inner, params, f"{name}.conv{part}")
        else:
            inner = convolution(inner, params, f"{name}.conv{part}", padding=1)
        inner = batch_norm(inner, params, f"{name}.bn{part}", 1e-5)
        if part == "1":
            inner = _selu(inner)
    if f"{name}.downsample.weight" in params:
        inner = inner + convolution(x, params, f"{name}.downsample")
    return _selu(inner)


def _shrunk(x: Image, side: int) -> Image:
    c, height, width = x.shape
    return x.reshape(c, height // side, side, width // side, side).mean((2, 4))


def _enlarged(x: Image, height: int, width: int) -> Image:
    """Returns an image whose outermost pixels' centres are where they were."""
    result = np.zeros((x.shape[0], height, width))
    for i in range(height):
        for j in range(width):
            row = i * (x.shape[1] - 1) / (height - 1)
            column = j * (x.shape[2] - 1) / (width - 1)
            result[:, i, j] = bilinear(x, column, row)
    return result


def maps(image: Image, params: Params) -> tuple[Image, NDArray[np.float64]]:
    """Returns features [c, h, w] and scores [h, w].

    Args:
        image: RGB [3, h, w].
        params: by published name.
    """
    height, width = image.shape[1:]
    above, left = (-height % 32) // 2, (-width % 32) // 2
    below, right = -height % 32 - above, -width % 32 - left
    padded = np.pad(image, ((0, 0), (above, below), (left, right)), mode="edge")
    levels = [_block(padded.astype(np.float64), params, "block1")]
    for number, side in ((2, 2), (3, 4), (4, 4)):
        levels.append(_block(_shrunk(levels[-1], side), params, f"block{number}"))
    joined = np.concatenate(
        [
            _enlarged(_selu(convolution(x, params, f"conv{n}")), *padded.shape[1:])
            for n, x in enumerate(levels, start=1)
        ]
    )
    score = convolution(joined, params, "score_head.0")
    for number in (2, 4, 6):
        score = convolution(_selu(score), params, f"score_head.{number}", padding=1)
    score = 1 / (1 + np.exp(-score[0]))
    features = joined / np.linalg.norm(joined, axis=0)
    inside = slice(above, above + height), slice(left, left + width)
    return features[:, *inside], score[inside]


def _window(heat: NDArray[np.float64], row: int, column: int) -> NDArray[np.float64]:
    rows = slice(max(row - _REACH, 0), row + _REACH + 1)
    return heat[rows, max(column - _REACH, 0) : column + _REACH + 1]


def peaks(heat: NDArray[np.float64], rounds: int) -> list[tuple[int, int]]:
    """Returns rows and columns of the keypoints' pixels.

    In each round the windows of what was found before are emptied first.
    """
    pixels = [(i, j) for i in range(heat.shape[0]) for j in range(heat.shape[1])]
    found: list[tuple[int, int]] = []
    for _ in range(rounds + 1):
        rest = heat.copy()
        for i, j in found:
            _window(rest, i, j)[...] = 0
        found += [
            p for p in pixels if rest[p] > 0 and rest[p] == _window(rest, *p).max()
        ]
    last = [side - 1 - _REACH for side in heat.shape]
    return [
        (i, j) for i, j in found if _REACH <= i <= last[0] and _REACH <= j <= last[1]
    ]


def _described(
    features: Image, x: float, y: float, params: Params
) -> NDArray[np.float64]:
    side = params["desc_head.offset_conv.0.weight"].shape[2]
    height, width = features.shape[1:]
    top = max(min(math.floor(y) - side // 2, height - side - 1), 0)
    left = max(min(math.floor(x) - side // 2, width - side - 1), 0)
    patch = features[:, top : top + side, left : left + side]
    inner = _selu(convolution(patch, params, "desc_head.offset_conv.0"))
    offsets = convolution(inner, params, "desc_head.offset_conv.2").ravel()
    offsets = np.clip(offsets, -max(height, width) / 4, max(height, width) / 4)
    weights = of(params, "desc_head.agg_weights")
    linear = of(params, "desc_head.sf_conv.weight")[:, :, 0, 0]
    result = np.zeros(weights.shape[2])
    for n, (right, down) in enumerate(offsets.reshape(2, -1).T):
        read = bilinear(features, x + right, y + down)
        result += _selu(linear @ read) @ weights[n]
    return result / np.linalg.norm(result)


def keypoints(image: Image, params: Params, rounds: int) -> list[Keypoint]:
    """Returns all keypoints, in the order of their pixels' scores.

    Args:
        image: RGB [3, h, w].
        params: by published name.
        rounds: of suppression after the first.
    """
    features, heat = maps(image, params)
    result = []
    for row, column in sorted(peaks(heat, rounds), key=lambda p: -heat[p]):
        weights = softmax(_window(heat, row, column).ravel() / 0.1).reshape(5, 5)
        steps = np.arange(-_REACH, _REACH + 1)
        x = float(column + weights.sum(0) @ steps)
        y = float(row + weights.sum(1) @ steps)
        score = float(bilinear(heat[None], x, y)[0])
        result.append(Keypoint(x, y, score, _described(features, x, y, params)))
    return result
