"""The EfficientNet family as feature extractor, in Flax.

Only the blocks up to the last one at stride 16 are built. Attribute names are the
published PyTorch names (`_blocks.3._expand_conv.weight`) without their underscores.
"""

from typing import ClassVar

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.features import architecture
from jaxsplat.features.architecture import BlockConfig, EfficientNetConfig
from jaxsplat.features.layers import BatchNorm, Conv, DepthwiseConv, PointwiseConv

_EPSILON = 1e-3  # of batch normalisation: the TensorFlow models'
_ACTIVATIONS = dict(swish=nnx.swish, relu6=nnx.relu6)


class Block(nnx.Module):
    """Expand, depthwise, squeeze-and-excitation, project; residual where it fits."""

    def __init__(self, block: BlockConfig, config: EfficientNetConfig) -> None:
        inner = block.inputs * block.expand
        if block.expand > 1:
            self.expand_conv = PointwiseConv(block.inputs, inner)
            self.bn0 = BatchNorm(inner, _EPSILON)
        self.depthwise_conv = DepthwiseConv(inner, block.window)
        self.bn1 = BatchNorm(inner, _EPSILON)
        if config.squeeze_excite:
            squeezed = max(1, block.inputs // 4)
            self.se_reduce = PointwiseConv(inner, squeezed, use_bias=True)
            self.se_expand = PointwiseConv(squeezed, inner, use_bias=True)
        self.project_conv = PointwiseConv(inner, block.outputs)
        self.bn2 = BatchNorm(block.outputs, _EPSILON)
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
    """The stem and the blocks; returns the outputs of the tapped blocks, finest first.

    Maps are of the sizes that `architecture.map_shapes` tells. They are outputs of a
    linear layer: signed, and not of unit scale.
    """

    PREFIX: ClassVar[str] = "_"

    def __init__(self, config: EfficientNetConfig) -> None:
        window, channels = architecture.stem(config)
        self.conv_stem = Conv(3, channels, window)
        self.bn0 = BatchNorm(channels, _EPSILON)
        self.blocks = nnx.List(
            Block(block, config) for block in architecture.blocks(config)
        )
        self.config = config

    def __call__(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        architecture.map_shapes(self.config, *images.shape[1:3])
        x = _ACTIVATIONS[self.config.activation](self.bn0(self.conv_stem(images)))
        wanted = {tap.name for tap in self.config.taps}
        taps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if f"block{index}" in wanted:
                taps.append(x)
        return tuple(taps)
