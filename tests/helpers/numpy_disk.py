"""DISK's U-Net in float64 NumPy, written from the paper, as an oracle."""

import numpy as np

from tests.helpers.numpy_layers import Image, Params, convolution, of
from tests.helpers.numpy_transformers import interpolated


def _layer(x: Image, params: Params, name: str) -> Image:
    mean = x.mean((1, 2), keepdims=True)
    x = (x - mean) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5)
    x = np.where(x > 0, x, of(params, f"{name}.1.weight")[:, None, None] * x)
    return convolution(x, params, f"{name}.3", padding=2)


def _halved(x: Image) -> Image:
    c, height, width = x.shape
    return x.reshape(c, height // 2, 2, width // 2, 2).mean((2, 4))


def _doubled(x: Image) -> Image:
    x = x.transpose(1, 2, 0)
    rows = interpolated(x, 2 * x.shape[0], cubic=False)
    both = interpolated(rows.swapaxes(0, 1), 2 * x.shape[1], cubic=False)
    return both.transpose(2, 1, 0)


def maps(image: Image, params: Params, levels: int) -> Image:
    """Returns descriptors, and the score as the last channel, [c, h, w].

    Args:
        image: RGB [3, h, w].
        params: by published name.
        levels: of the way down.
    """
    down = [convolution(image, params, "unet.path_down.0.1.3", padding=2)]
    for level in range(1, levels):
        name = f"unet.path_down.{level}.1"
        down.append(_layer(_halved(down[-1]), params, name))
    x = down.pop()
    for level in range(levels - 1):
        joined = np.concatenate([_doubled(x), down.pop()])
        x = _layer(joined, params, f"unet.path_up.{level}.conv")
    return x
