"""Layers of vision transformers, for inference. Tokens are [..., c].

Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021). Weights of linear
layers are out-in, as in the files.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.features.layers import Kernel

EPSILON = 1e-6  # of the layer normalisations of image encoders
# A transformer block's hidden channels are so many times its own.
_EXPANSION = 4


class Linear(nnx.Module):
    """A linear map of the channels."""

    def __init__(self, inputs: int, outputs: int, use_bias: bool = True) -> None:
        self.weight = nnx.Param(jnp.zeros((outputs, inputs)))
        self.bias = nnx.Param(jnp.zeros((outputs,))) if use_bias else None

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n c2"]:
        weight = self.weight[...].T
        y = jnp.matmul(x, weight, precision=lax.Precision.HIGHEST)
        return y if self.bias is None else y + self.bias[...]


class LayerNorm(nnx.Module):
    """Normalises every token by mean and variance of its channels."""

    def __init__(self, channels: int, epsilon: float = EPSILON) -> None:
        self.weight = nnx.Param(jnp.zeros((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))
        self.epsilon = epsilon

    def __call__(self, x: Float[Array, "*n c"]) -> Float[Array, "*n c"]:
        centered = x - jnp.mean(x, axis=-1, keepdims=True)
        variance = jnp.mean(centered * centered, axis=-1, keepdims=True)
        scale = lax.rsqrt(variance + self.epsilon)
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
    bias: Float[Array, "*#b #n m"] | None = None,
) -> Float[Array, "*b n d"]:
    """Returns the values weighted by how queries and keys agree.

    Args:
        queries: not scaled.
        keys: that they are compared with.
        values: that are averaged.
        bias: added to the scaled products; broadcast.
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
