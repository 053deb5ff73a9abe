"""Residual networks in float64 NumPy, written from the paper, as an oracle."""

from collections.abc import Sequence

import numpy as np

from tests.helpers.numpy_layers import Image, Params, batch_norm, convolution, patches


def _normal(x: Image, params: Params, name: str) -> Image:
    return batch_norm(x, params, name, 1e-5)


def _pooled(x: Image) -> Image:
    sizes = tuple((n - 1) // 2 + 1 for n in x.shape[1:])
    # Nothing is negative here, so that zeros beside the image change no maximum.
    return patches(x, 3, 2, (1, 1), (sizes[0], sizes[1])).max(axis=1)


def block(x: Image, params: Params, name: str, stride: int) -> Image:
    """Returns a block's output; its names tell whether it is a bottleneck."""
    convolutions = 3 if f"{name}.conv3.weight" in params else 2
    y = x
    for n in range(1, convolutions + 1):
        side = params[f"{name}.conv{n}.weight"].shape[2]
        strided = n == (2 if convolutions == 3 else 1)
        y = convolution(
            y, params, f"{name}.conv{n}", stride if strided else 1, side // 2
        )
        y = _normal(y, params, f"{name}.bn{n}")
        y = np.maximum(y, 0) if n < convolutions else y
    if f"{name}.downsample.0.weight" in params:
        x = convolution(x, params, f"{name}.downsample.0", stride)
        x = _normal(x, params, f"{name}.downsample.1")
    return np.maximum(x + y, 0)


def forward(image: Image, params: Params, blocks: Sequence[int]) -> list[Image]:
    """Returns the outputs of the layers, [h, w, c] each.

    Args:
        image: normalised, [h, w, 3].
        params: by published name, out-in-h-w.
        blocks: of every layer.
    """
    x = convolution(image.astype(np.float64).transpose(2, 0, 1), params, "conv1", 2, 3)
    x = _pooled(np.maximum(_normal(x, params, "bn1"), 0))
    result = []
    for layer, count in enumerate(blocks, 1):
        for index in range(count):
            stride = 2 if layer > 1 and index == 0 else 1
            x = block(x, params, f"layer{layer}.{index}", stride)
        result.append(x.transpose(1, 2, 0))
    return result
