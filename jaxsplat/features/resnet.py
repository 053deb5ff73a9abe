"""Residual networks: ResNet-18, ResNet-50 and WideResNet-50-2.

He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), Table 1, and
Zagoruyko and Komodakis, "Wide Residual Networks" (BMVC 2016), whose 50-2 has inner
channels twice as many. As the public weights have it, the stride of a bottleneck stands
in its 3x3 convolution. Attribute names are the published PyTorch names.
"""

import dataclasses

from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.features.architecture import Window
from jaxsplat.features.config import NetworkConfig, Tap
from jaxsplat.features.layers import BatchNorm, Conv, PointwiseConv, max_pool

_EPSILON = 1e-5  # of batch normalisation
_LAYERS = (1, 2, 3, 4)
# A bottleneck's outputs are so many times the layer's channels.
_EXPANSION = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResNetConfig(NetworkConfig):
    """One member of the family.

    Attributes:
        blocks: how many blocks each of the four layers has.
        bottleneck: whether a block is 1x1, 3x3, 1x1 instead of 3x3, 3x3.
        width: channels of the stem; each layer has twice as many as the one before.
        widening: of the channels inside bottlenecks.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool
    width: int = 64
    widening: int = 1

    @property
    def all_taps(self) -> tuple[Tap, ...]:
        """The outputs of the four layers, at strides 4, 8, 16 and 32."""
        expansion = _EXPANSION if self.bottleneck else 1
        return tuple(
            Tap(f"layer{n}", 2 << n, (self.width << (n - 1)) * expansion)
            for n in _LAYERS
        )


def _window(side: int, stride: int) -> Window:
    return Window(side, stride, (side // 2, side // 2))


class Block(nnx.Module):
    """Convolutions beside a shortcut: two of 3x3, or a bottleneck of three.

    Args:
        inputs: channels that enter.
        channels: of the first convolution, before they are widened.
        stride: of the block.
        widening: of the channels inside a bottleneck; None for two of 3x3.
    """

    def __init__(
        self, inputs: int, channels: int, stride: int, widening: int | None = None
    ) -> None:
        outputs = channels
        self.conv1: PointwiseConv | Conv
        if widening is not None:
            outputs, inner = channels * _EXPANSION, channels * widening
            self.conv1 = PointwiseConv(inputs, inner)
            self.bn1 = BatchNorm(inner, _EPSILON)
            self.conv2 = Conv(inner, inner, _window(3, stride))
            self.bn2 = BatchNorm(inner, _EPSILON)
            self.conv3 = PointwiseConv(inner, outputs)
            self.bn3 = BatchNorm(outputs, _EPSILON)
        else:
            self.conv1 = Conv(inputs, outputs, _window(3, stride))
            self.bn1 = BatchNorm(outputs, _EPSILON)
            self.conv2 = Conv(outputs, outputs, _window(3, 1))
            self.bn2 = BatchNorm(outputs, _EPSILON)
        self.downsample: nnx.List = nnx.List([])
        if stride > 1 or inputs != outputs:
            self.downsample.append(PointwiseConv(inputs, outputs, stride=stride))
            self.downsample.append(BatchNorm(outputs, _EPSILON))
        self.bottleneck = widening is not None

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        y = nnx.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.bottleneck:
            y = self.bn3(self.conv3(nnx.relu(y)))
        for part in self.downsample:
            x = part(x)
        return nnx.relu(x + y)


class ResNet(nnx.Module):
    """The stem and the layers up to the last tapped one; returns the tapped outputs."""

    def __init__(self, config: ResNetConfig) -> None:
        self.conv1 = Conv(3, config.width, _window(7, 2))
        self.bn1 = BatchNorm(config.width, _EPSILON)
        self.config = config
        inputs = config.width
        widening = config.widening if config.bottleneck else None
        for n, tap in zip(_LAYERS, config.all_taps, strict=True):
            blocks = []
            for index in range(config.blocks[n - 1]):
                stride = 2 if n > 1 and index == 0 else 1
                blocks.append(Block(inputs, config.width << (n - 1), stride, widening))
                inputs = tap.channels
            setattr(self, tap.name, nnx.List(blocks))
            if tap == config.taps[-1]:
                break

    def __call__(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        x = nnx.relu(self.bn1(self.conv1(images)))
        x = max_pool(x, 3, 2, 1)
        maps = {}
        for tap in self.config.all_taps:
            for block in getattr(self, tap.name, ()):
                x = block(x)
            maps[tap.name] = x
        return tuple(maps[tap.name] for tap in self.config.taps)
