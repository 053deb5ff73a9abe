"""LoFTR's coarse stage in float64 NumPy, written from the paper, as an oracle.

Only cells that are real are given: what is hidden is not there. Attention is written
out head by head with the weight of every key, which the package never forms.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tests.helpers.numpy_layers import (
    Image,
    Params,
    Tokens,
    batch_norm,
    convolution,
    layer_norm,
    of,
    softmax,
)
from tests.helpers.numpy_resnet import block

Cells = NDArray[np.int64]  # column and row of each


def features(image: Image, params: Params) -> Image:
    """Returns the features of all cells [c, h / 8, w / 8].

    Args:
        image: RGB [3, h, w].
        params: by published name.
    """
    red, green, blue = image.astype(np.float64)
    gray = (299 * red + 587 * green + 114 * blue) / 1000
    x = convolution(gray[None], params, "backbone.conv1", 2, 3)
    x = np.maximum(batch_norm(x, params, "backbone.bn1", 1e-5), 0)
    for layer, stride in ((1, 1), (2, 2), (3, 2)):
        x = block(x, params, f"backbone.layer{layer}.0", stride)
        x = block(x, params, f"backbone.layer{layer}.1", 1)
    return convolution(x, params, "backbone.layer3_outconv")


def encoding(cells: Cells, channels: int, fixed: bool) -> Tokens:
    """Returns what is added to the features of cells."""
    result = np.zeros((len(cells), channels))
    for n, (column, row) in enumerate(cells):
        for k in range(channels // 4):
            w = 10000 ** (-2 * k / (channels / 2)) if fixed else math.exp(-2 * k)
            x, y = w * (column + 1), w * (row + 1)
            four = math.sin(x), math.cos(x), math.sin(y), math.cos(y)
            result[n, 4 * k : 4 * k + 4] = four
    return result


def _positive(x: Tokens) -> Tokens:
    """Returns the exponential linear unit plus 1."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def _after(x: Tokens, source: Tokens, params: Params, name: str, heads: int) -> Tokens:
    """Returns tokens after what those of `source` told them (Fig. 3)."""

    def linear(y: Tokens, part: str) -> Tokens:
        return y @ of(params, f"{name}.{part}.weight").T

    queries = np.split(_positive(linear(x, "q_proj")), heads, 1)
    keys = np.split(_positive(linear(source, "k_proj")), heads, 1)
    values = np.split(linear(source, "v_proj"), heads, 1)
    mixed = []
    for query, key, value in zip(queries, keys, values, strict=True):
        weights = query @ key.T
        mixed.append(weights / (weights.sum(1, keepdims=True) + 1e-6) @ value)
    message = linear(np.concatenate(mixed, 1), "merge")
    message = layer_norm(message, params, f"{name}.norm1", 1e-5)
    inner = np.maximum(linear(np.concatenate([x, message], 1), "mlp.0"), 0)
    return x + layer_norm(linear(inner, "mlp.2"), params, f"{name}.norm2", 1e-5)


def confidences(
    params: Params,
    heads: int,
    features: list[Tokens],
    cells: list[Cells],
    fixed: bool = True,
) -> Tokens:
    """Returns the confidence [n, m] of every two cells of two images (Eq. 2).

    Args:
        params: by published name.
        heads: of each attention.
        features: of both images.
        cells: column and row of each feature.
        fixed: whether the frequencies are those that were meant.
    """
    channels = features[0].shape[1]
    x, y = (f + encoding(c, channels, fixed) for f, c in zip(features, cells))
    layer = 0
    while f"loftr_coarse.layers.{layer}.merge.weight" in params:
        name = f"loftr_coarse.layers.{layer}"
        # Self-attention and cross-attention in turn; the second image comes after.
        x = _after(x, y if layer % 2 else x, params, name, heads)
        y = _after(y, x if layer % 2 else y, params, name, heads)
        layer += 1
    similarity = x @ y.T / channels / 0.1
    return softmax(similarity) * softmax(similarity.T).T


def partners(
    confidence: Tokens,
    cells: list[Cells],
    grids: list[tuple[int, int]],
    threshold: float,
    border: int,
) -> list[int]:
    """Returns the partner of each of the first image's cells, or -1 (Eq. 3).

    Args:
        confidence: of every two cells.
        cells: column and row of both images' cells.
        grids: columns and rows of both images.
        threshold: that a match's confidence exceeds.
        border: cells at each edge that have no match.
    """

    def is_inside(image: int, index: int) -> bool:
        (column, row), (columns, rows) = cells[image][index], grids[image]
        return bool(
            border <= column < columns - border and border <= row < rows - border
        )

    result = []
    for i, row in enumerate(confidence):
        j = int(row.argmax())
        is_best = row[j] == confidence[:, j].max() and row[j] > threshold
        result.append(j if is_best and is_inside(0, i) and is_inside(1, j) else -1)
    return result
