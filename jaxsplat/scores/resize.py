"""Pillow's antialiased bilinear resize of byte images, bit for bit, in JAX.

The published code resizes through Pillow, which works in fixed point: each pass (along
rows, then along columns) sums bytes times 22-bit weights and rounds to a byte again.
`jax.image.resize` has the same triangle filter but rounds nowhere. Integers reproduce
Pillow's bytes exactly and alike on every device.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int

_FRACTION_BITS = (
    22  # Pillow's for 8-bit images: 32 less 8 of the byte and 2 of headroom
)


def short_side_to(height: int, width: int, size: int) -> tuple[int, int]:
    """Returns (height, width) scaled so that the shorter side is `size`.

    The longer side is cut to a whole pixel, as torchvision's `Resize(size)` does.
    """
    if height <= width:
        return size, int(size * width / height)
    return int(size * height / width), size


@functools.cache
def _weights(
    source: int, target: int
) -> tuple[Int[np.ndarray, "target taps"], Int[np.ndarray, "target taps"]]:
    """Returns the source indices and fixed-point weights of every target pixel."""
    scale = source / target
    support = max(scale, 1.0)  # half-width of the triangle in source pixels
    center = (np.arange(target) + 0.5) * scale
    first = np.maximum(np.trunc(center - support + 0.5).astype(np.int32), 0)
    end = np.minimum(np.trunc(center + support + 0.5).astype(np.int32), source)
    indices = first[:, None] + np.arange(np.max(end - first))
    distance = np.abs(indices + 0.5 - center[:, None]) / support
    triangle = np.where(indices < end[:, None], np.maximum(1 - distance, 0), 0)
    triangle /= triangle.sum(axis=1, keepdims=True)
    fixed = np.floor(triangle * (1 << _FRACTION_BITS) + 0.5).astype(np.int32)
    return np.minimum(indices, source - 1).astype(np.int32), fixed


def _resize_rows(
    images: Int[Array, "b source w c"], target: int
) -> Int[Array, "b target w c"]:
    source = images.shape[1]
    if source == target:
        return images
    indices, fixed = _weights(source, target)
    total = jnp.full((), 1 << (_FRACTION_BITS - 1), dtype=jnp.int32)
    for tap in range(indices.shape[1]):
        rows = images[:, indices[:, tap]]
        total = total + rows * fixed[:, tap, None, None]
    return total >> _FRACTION_BITS


def resize_bytes(
    images: Int[Array, "b h w c"], height: int, width: int
) -> Int[Array, "b height width c"]:
    """Returns the images at another size, as Pillow's `resize(..., BILINEAR)`.

    Args:
        images: whole numbers from 0 to 255, [b, h, w, c] int32.
        height: of the result in pixels.
        width: of the result in pixels.
    """
    # With `jax_enable_x64` whole numbers may come as int64.
    whole = images.astype(jnp.int32)
    narrow = _resize_rows(whole.swapaxes(1, 2), width).swapaxes(1, 2)
    return _resize_rows(narrow, height)
