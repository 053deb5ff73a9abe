"""Layers of convolutional networks. Images are [b, h, w, c].

Batch normalisation uses the running statistics, which no training changes.
"""

import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.features import architecture
from jaxsplat.features.architecture import Window


class Kernel(nnx.Param):
    """Weights of a convolution, h-w-in-out; files have out-in-h-w.

    Those of 1x1 convolutions are in-out. All other parameters are as in the files.
    """


class BatchNorm(nnx.Module):
    """Batch normalisation by the running statistics, scaled and shifted if `affine`."""

    def __init__(self, channels: int, epsilon: float, affine: bool = True) -> None:
        self.weight = nnx.Param(jnp.zeros((channels,))) if affine else None
        self.bias = nnx.Param(jnp.zeros((channels,))) if affine else None
        self.running_mean = nnx.BatchStat(jnp.zeros((channels,)))
        self.running_var = nnx.BatchStat(jnp.zeros((channels,)))
        self.epsilon = epsilon

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        mean, variance = self.running_mean[...], self.running_var[...]
        mean, variance = lax.stop_gradient((mean, variance))
        scale = lax.rsqrt(variance + self.epsilon)
        if self.weight is None or self.bias is None:
            return (x - mean) * scale
        return (x - mean) * (self.weight[...] * scale) + self.bias[...]


class Conv(nnx.Module):
    """An ordinary convolution."""

    def __init__(
        self, inputs: int, outputs: int, window: Window, use_bias: bool = False
    ) -> None:
        shape = (window.side, window.side, inputs, outputs)
        self.weight = Kernel(jnp.zeros(shape))
        self.bias = nnx.Param(jnp.zeros((outputs,))) if use_bias else None
        self.window = window

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        padding = self.window.padding
        y = lax.conv_general_dilated(
            x,
            self.weight[...],
            (self.window.stride, self.window.stride),
            "SAME" if padding is None else [padding, padding],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=lax.Precision.HIGHEST,
        )
        return y if self.bias is None else y + self.bias[...]


class PointwiseConv(nnx.Module):
    """A 1x1 convolution; as a matrix product it is twice as fast on the CPU."""

    def __init__(
        self, inputs: int, outputs: int, use_bias: bool = False, stride: int = 1
    ) -> None:
        self.weight = Kernel(jnp.zeros((inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros((outputs,))) if use_bias else None
        self.stride = stride

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        x = x[:, :: self.stride, :: self.stride]
        y = jnp.matmul(x, self.weight[...], precision=lax.Precision.HIGHEST)
        return y if self.bias is None else y + self.bias[...]


class DepthwiseConv(nnx.Module):
    """A window of weights per channel, as a sum of shifted and weighted images.

    XLA's convolution with one group per channel is 20 to 40 times slower on the CPU
    (experiments/bench/features.py).
    """

    def __init__(self, channels: int, window: Window) -> None:
        self.weight = Kernel(jnp.zeros((window.side, window.side, 1, channels)))
        self.window = window

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        weight, window, stride = self.weight[...], self.window, self.window.stride
        sizes = x.shape[1:3]
        pads = [
            window.padding or architecture.same_padding(size, window.side, stride)
            for size in sizes
        ]
        padded = jnp.pad(x, ((0, 0), *pads, (0, 0)))
        height, width = (
            (architecture.output_size(size, window) - 1) * stride + 1 for size in sizes
        )
        terms = [
            weight[i, j, 0] * padded[:, i : i + height : stride, j : j + width : stride]
            for i in range(window.side)
            for j in range(window.side)
        ]
        return sum(terms[1:], start=terms[0])


def max_pool(
    x: Float[Array, "b h w c"], side: int, stride: int, padding: int
) -> Float[Array, "b h2 w2 c"]:
    """Returns the largest of every window; beside the image there is none."""
    around = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    return lax.reduce_window(
        x, -jnp.inf, lax.max, (1, side, side, 1), (1, stride, stride, 1), around
    )
