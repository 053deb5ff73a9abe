"""The EfficientNet family as feature extractor, in Flax.

Inference only: batch normalisation uses the running statistics. Only the blocks up to
the last tapped one are built.

Parameters are a flat dictionary under the published PyTorch names
(`_blocks.3._expand_conv.weight`), so that a weights file and the network are compared
name by name. Attribute names below are those names without the leading underscore.
"""

import functools
from collections.abc import Mapping

import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.features import architecture
from jaxsplat.features.architecture import BlockConfig, EfficientNetConfig, Window

BATCH_NORM_EPSILON = 1e-3  # the TensorFlow models'; PyTorch's default is 1e-5

_ACTIVATIONS = dict(swish=nnx.swish, relu6=nnx.relu6)


class BatchNorm(nnx.Module):
    """Batch normalisation by the running statistics."""

    def __init__(self, channels: int) -> None:
        self.weight = nnx.Param(jnp.zeros((channels,)))
        self.bias = nnx.Param(jnp.zeros((channels,)))
        self.running_mean = nnx.BatchStat(jnp.zeros((channels,)))
        self.running_var = nnx.BatchStat(jnp.zeros((channels,)))

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        scale = self.weight[...] * lax.rsqrt(self.running_var[...] + BATCH_NORM_EPSILON)
        return (x - self.running_mean[...]) * scale + self.bias[...]


class Conv(nnx.Module):
    """An ordinary convolution without bias."""

    def __init__(self, inputs: int, outputs: int, window: Window) -> None:
        shape = (window.side, window.side, inputs, outputs)
        self.weight = nnx.Param(jnp.zeros(shape))
        self.window = window

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        padding = self.window.padding
        return lax.conv_general_dilated(
            x,
            self.weight[...],
            (self.window.stride, self.window.stride),
            "SAME" if padding is None else [padding, padding],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            precision=lax.Precision.HIGHEST,
        )


class PointwiseConv(nnx.Module):
    """A 1x1 convolution; as a matrix product it is twice as fast on the CPU."""

    def __init__(self, inputs: int, outputs: int, use_bias: bool = False) -> None:
        self.weight = nnx.Param(jnp.zeros((inputs, outputs)))
        self.bias = nnx.Param(jnp.zeros((outputs,))) if use_bias else None

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
        y = jnp.matmul(x, self.weight[...], precision=lax.Precision.HIGHEST)
        return y if self.bias is None else y + self.bias[...]


class DepthwiseConv(nnx.Module):
    """A window of weights per channel, as a sum of shifted and weighted images.

    XLA's convolution with one group per channel is 25 times slower on the CPU
    (experiments/bench_features.py).
    """

    def __init__(self, channels: int, window: Window) -> None:
        self.weight = nnx.Param(jnp.zeros((window.side, window.side, 1, channels)))
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


class Block(nnx.Module):
    """Expand, depthwise, squeeze-and-excitation, project; residual where it fits."""

    def __init__(self, block: BlockConfig, config: EfficientNetConfig) -> None:
        inner = block.inputs * block.expand
        if block.expand > 1:
            self.expand_conv = PointwiseConv(block.inputs, inner)
            self.bn0 = BatchNorm(inner)
        self.depthwise_conv = DepthwiseConv(inner, block.window)
        self.bn1 = BatchNorm(inner)
        if config.squeeze_excite:
            squeezed = max(1, block.inputs // 4)
            self.se_reduce = PointwiseConv(inner, squeezed, use_bias=True)
            self.se_expand = PointwiseConv(squeezed, inner, use_bias=True)
        self.project_conv = PointwiseConv(inner, block.outputs)
        self.bn2 = BatchNorm(block.outputs)
        self.block = block
        self.config = config

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        activate = _ACTIVATIONS[self.config.activation]
        y = x
        if self.block.expand > 1:
            y = activate(self.bn0(self.expand_conv(y)))
        y = activate(self.bn1(self.depthwise_conv(y)))
        if self.config.squeeze_excite:
            squeezed = activate(self.se_reduce(jnp.mean(y, axis=(1, 2), keepdims=True)))
            y = y * nnx.sigmoid(self.se_expand(squeezed))
        y = self.bn2(self.project_conv(y))
        return x + y if x.shape == y.shape and self.block.window.stride == 1 else y


class EfficientNet(nnx.Module):
    """The stem and the blocks; returns the outputs of the tapped blocks."""

    def __init__(self, config: EfficientNetConfig) -> None:
        window, channels = architecture.stem(config)
        self.conv_stem = Conv(3, channels, window)
        self.bn0 = BatchNorm(channels)
        self.blocks = nnx.List(
            Block(block, config) for block in architecture.blocks(config)
        )
        self.config = config

    def __call__(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        x = _ACTIVATIONS[self.config.activation](self.bn0(self.conv_stem(images)))
        taps = []
        for block in self.blocks:
            x = block(x)
            if block.block.tap:
                taps.append(x)
        return tuple(taps)


@functools.cache
def _structure(
    config: EfficientNetConfig,
) -> tuple[nnx.GraphDef, dict[str, tuple[tuple[str | int, ...], nnx.Variable]]]:
    """Returns the empty network and, by published name, its parameters' places."""
    model = nnx.eval_shape(lambda: EfficientNet(config))
    graph, state = nnx.split(model)
    places = {}
    for path, variable in nnx.to_flat_state(state):
        *modules, leaf = path
        parts = [str(m) if isinstance(m, int) else f"_{m}" for m in modules]
        places[".".join([*parts, str(leaf)])] = (path, variable)
    return graph, places


def parameter_shapes(config: EfficientNetConfig) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every parameter by published name.

    Windows are [h, w, in, out] (depthwise [h, w, 1, c]), 1x1 convolutions [in, out].
    """
    return {name: v.shape for name, (_, v) in _structure(config)[1].items()}


def forward(
    config: EfficientNetConfig,
    params: Mapping[str, Float[Array, "..."]],
    images: Float[Array, "b h w 3"],
) -> tuple[Float[Array, "b _ _ _"], ...]:
    """Returns the tapped feature maps, finest first.

    Args:
        config: which member of the family.
        params: as `parameter_shapes` describes.
        images: normalised images, [b, h, w, 3].

    Returns:
        Maps [b, h2, w2, c] of the sizes that `architecture.map_shapes` tells. They are
        outputs of a linear layer: signed, and not of unit scale.

    Raises:
        ConfigError: the images are so small that a map would be empty.
    """
    architecture.map_shapes(config, *images.shape[1:3])
    graph, places = _structure(config)
    flat = [(path, v.replace(params[name])) for name, (path, v) in places.items()]
    return nnx.merge(graph, nnx.from_flat_state(flat))(images)
