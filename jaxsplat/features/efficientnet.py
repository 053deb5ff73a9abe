"""The EfficientNet family as feature extractor, in Flax.

Inference only: batch normalisation uses the running statistics. Only the blocks up to
the last tapped one are built.

Parameters are a flat dictionary under the published PyTorch names
(`_blocks.3._expand_conv.weight`), so that a weights file and the network are compared
name by name. Attribute names below are those names without the leading underscore.
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.features import architecture
from jaxsplat.features.architecture import BlockConfig, EfficientNetConfig
from jaxsplat.features.layers import BatchNorm, Conv, DepthwiseConv, PointwiseConv

_ACTIVATIONS = dict(swish=nnx.swish, relu6=nnx.relu6)


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
) -> tuple[nnx.GraphDef, dict[str, tuple[Any, nnx.Variable]]]:
    """Returns the empty network and, by published name, its parameters' places.

    A place is NNX's path to the variable, and the variable without its value.
    """
    model = nnx.eval_shape(lambda: EfficientNet(config))
    graph, state = nnx.split(model)
    places: dict[str, tuple[Any, nnx.Variable]] = {}
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
    state = {path: v.replace(params[name]) for name, (path, v) in places.items()}
    return nnx.merge(graph, nnx.from_flat_state(state))(images)
