"""Layers of networks in float64 NumPy, written from the papers, as oracles.

One image at a time, channels first, windows gathered by index arithmetic, tokens one
row each. They share nothing with the package. Parameters are as in the files:
published names, out-in-h-w.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]  # channels, height, width
Tokens = NDArray[np.float64]  # tokens, channels
Params = Mapping[str, NDArray[np.float32]]


def of(params: Params, name: str) -> NDArray[np.float64]:
    return params[name].astype(np.float64)


def patches(
    x: Image, side: int, stride: int, start: tuple[int, int], sizes: tuple[int, int]
) -> Image:
    """Returns windows [c, side * side, h2, w2], zero outside.

    Args:
        x: the image.
        side: of the windows.
        stride: from one to the next.
        start: pixels by which the first begins before the image.
        sizes: how many there are either way.
    """
    result = np.zeros((x.shape[0], side * side, *sizes))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            for tap in range(side * side):
                i = row * stride - start[0] + tap // side
                j = column * stride - start[1] + tap % side
                if 0 <= i < x.shape[1] and 0 <= j < x.shape[2]:
                    result[:, tap, row, column] = x[:, i, j]
    return result


def convolution(
    x: Image, params: Params, name: str, stride: int = 1, padding: int = 0
) -> Image:
    """Returns a convolution with as much padding on either side."""
    kernel = of(params, f"{name}.weight")
    side = kernel.shape[2]
    high, wide = ((n + 2 * padding - side) // stride + 1 for n in x.shape[1:])
    windows = patches(x, side, stride, (padding, padding), (high, wide))
    y = np.einsum("ckhw,ock->ohw", windows, kernel.reshape(*kernel.shape[:2], -1))
    return (
        y + of(params, f"{name}.bias")[:, None, None] if f"{name}.bias" in params else y
    )


def batch_norm(x: Image, params: Params, name: str, epsilon: float) -> Image:
    scale, offset, mean, var = (
        of(params, f"{name}.{part}")[:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return scale * (x - mean) / np.sqrt(var + epsilon) + offset


def layer_norm(x: Tokens, params: Params, name: str, epsilon: float = 1e-6) -> Tokens:
    mean, deviation = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    normal = (x - mean) / np.sqrt(deviation + epsilon)
    return normal * of(params, f"{name}.weight") + of(params, f"{name}.bias")


def linear(x: Tokens, params: Params, name: str) -> Tokens:
    return x @ of(params, f"{name}.weight").T + of(params, f"{name}.bias")


def gelu(x: Tokens) -> Tokens:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def softmax(x: Tokens) -> Tokens:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
