"""Layers of vision transformers, for inference. Tokens are [..., c].

Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021). Weights of linear
layers are out-in, as in the files.
"""

from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.features.layers import Kernel

EPSILON = 1e-6  # of all layer normalisations here
# A transformer block's hidden channels are so many times its own.
_EXPANSION = 4
# Of the cubic kernel: PyTorch's, by which the networks' authors resize position tables.
_SHARPNESS = -0.75


class Linear(nnx.Module):
    """A linear map of the channels, with a bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.weight = nnx.Param(jnp.zeros((outputs, inputs)))
        self.bias = nnx.Param(jnp.zeros((outputs,)))

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n c2"]:
        weight = self.weight[...].T
        return jnp.matmul(x, weight, precision=lax.Precision.HIGHEST) + self.bias[...]


class LayerNorm(nnx.Module):
    """Normalises every token by mean and variance of its channels."""

    def __init__(self, channels: int) -> None:
        self.weight = nnx.Param(jnp.zeros((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n c"]:
        centered = x - jnp.mean(x, axis=-1, keepdims=True)
        variance = jnp.mean(centered * centered, axis=-1, keepdims=True)
        scale = lax.rsqrt(variance + EPSILON)
        return centered * scale * self.weight[...] + self.bias[...]


class Mlp(nnx.Module):
    """Two linear maps with GELU (the exact one) between.

    Args:
        channels: that enter and leave.
        names: of the two maps in the files.
    """

    def __init__(self, channels: int, names: tuple[str, str] = ("fc1", "fc2")) -> None:
        setattr(self, names[0], Linear(channels, _EXPANSION * channels))
        setattr(self, names[1], Linear(_EXPANSION * channels, channels))
        self.names = names

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n c"]:
        first, second = (getattr(self, name) for name in self.names)
        return second(jax.nn.gelu(first(x), approximate=False))


class PatchProjection(nnx.Module):
    """A convolution whose windows are patches side by side."""

    def __init__(self, channels: int, side: int) -> None:
        self.weight = Kernel(jnp.zeros((side, side, 3, channels)))
        self.bias = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, images: Float[Array, "b h w 3"]) -> Float[Array, "b h2 w2 c"]:
        weight = self.weight[...]
        side, count = weight.shape[0], len(images)
        rows, columns = images.shape[1] // side, images.shape[2] // side
        patches = images.reshape(count, rows, side, columns, side, 3)
        patches = patches.swapaxes(2, 3).reshape(count, rows, columns, -1)
        weight = weight.reshape(-1, weight.shape[-1])
        product = jnp.matmul(patches, weight, precision=lax.Precision.HIGHEST)
        return product + self.bias[...]


class PatchEmbedding(nnx.Module):
    """Holds the projection under its published name."""

    def __init__(self, channels: int, side: int) -> None:
        self.proj = PatchProjection(channels, side)

    def __call__(self, images: Float[Array, "b h w 3"]) -> Float[Array, "b h2 w2 c"]:
        return self.proj(images)


def attend(
    queries: Float[Array, "*b n d"],
    keys: Float[Array, "*b m d"],
    values: Float[Array, "*b m d"],
    bias: Float[Array, "*b n m"] | None = None,
) -> Float[Array, "*b n d"]:
    """Returns the values weighted by how queries and keys agree.

    Args:
        queries: not scaled.
        keys: that they are compared with.
        values: that are averaged.
        bias: added to the scaled products.
    """
    scale = queries.shape[-1] ** -0.5
    agreement = jnp.einsum(
        "...nd,...md->...nm", queries * scale, keys, precision=lax.Precision.HIGHEST
    )
    if bias is not None:
        agreement = agreement + bias
    return jnp.einsum(
        "...nm,...md->...nd",
        jax.nn.softmax(agreement, axis=-1),
        values,
        precision=lax.Precision.HIGHEST,
    )


def resizing(
    size: int, target: int, kernel: Literal["linear", "cubic"]
) -> Float[np.ndarray, "target size"]:
    """Returns the matrix that interpolates a table at another size.

    Outer edges stay where they are (half-pixel centres), the outermost values go on
    beyond them, and nothing is smoothed where the table becomes smaller: as PyTorch's
    `interpolate` with `align_corners=False, antialias=False`.
    """
    places = (np.arange(target) + 0.5) * (size / target) - 0.5
    first = np.floor(places).astype(int)
    matrix = np.zeros((target, size))
    for shift in range(-1, 3):
        distance = np.abs(places - first - shift)
        weight = np.maximum(1 - distance, 0)
        if kernel == "cubic":
            weight = _cubic(distance)
        row = np.clip(first + shift, 0, size - 1)
        np.add.at(matrix, (np.arange(target), row), weight)
    return matrix.astype(np.float32)


def _cubic(distance: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns Keys' cubic kernel (1981, Eq. 15), for distances up to 2."""
    d, a = distance, _SHARPNESS
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, far)


def resize_grid(
    grid: Float[Array, "h w c"],
    height: int,
    width: int,
    kernel: Literal["linear", "cubic"],
) -> Float[Array, "h2 w2 c"]:
    """Returns a table of positions for another number of patches; see `resizing`."""
    if grid.shape[:2] == (height, width):
        return grid
    return jnp.einsum(
        "yh,hwc,xw->yxc",
        resizing(grid.shape[0], height, kernel),
        grid,
        resizing(grid.shape[1], width, kernel),
        precision=lax.Precision.HIGHEST,
    )
