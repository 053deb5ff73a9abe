"""ALIKED: keypoints and descriptors of a network with deformable convolutions.

Zhao et al., "ALIKED: A Lighter Keypoint and Descriptor Extraction Network via
Deformable Transformation" (IEEE Transactions on Instrumentation and Measurement 2023).
Keypoints between pixels are found as in Zhao et al., "ALIKE: Accurate and Lightweight
Keypoint Detection and Descriptor Extraction" (IEEE Transactions on Multimedia 2023).
Attribute names are the published PyTorch names.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.features.architecture import Window
from jaxsplat.features.layers import BatchNorm, Conv, PointwiseConv
from jaxsplat.matchers import peaks
from jaxsplat.matchers.config import DetectorConfig
from jaxsplat.matchers.deformable import DeformableConv, DescriptorHead
from jaxsplat.matchers.parts import AveragePool, Numbered, selu
from jaxsplat.matchers.records import Keypoints

_EPSILON = 1e-5  # of all normalisations
_STRIDE = 32  # of the coarsest level
_WINDOW = Window(3, 1, (1, 1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlikedConfig(DetectorConfig):
    """One member of the family.

    Attributes:
        widths: channels of each level, the finest first; their strides are 1, 2, 8, 32.
        side: of the patch that tells where a keypoint's features are read (K).
        samples: how many of them (M).
        threshold: of a score, which that of a keypoint's pixel must exceed. At 0 the
            best are returned however low they are, as in the published top-k mode;
            the other mode has .2.
        reach: pixels either way in which a keypoint is the highest, and from which
            its place between pixels is found.
        temperature: of the soft-argmax.
        rounds: of further suppression; see `peaks.peaks`. The published code has 2; at
            0 there are no keypoints on the flanks of others.
    """

    channels: int = 128
    multiple: int = 1
    widths: tuple[int, int, int, int] = (16, 32, 64, 128)
    side: int = 3
    samples: int = 16
    threshold: float = 0.0
    reach: int = 2
    temperature: float = 0.1
    rounds: int = 2


class Block(nnx.Module):
    """Two convolutions, normalised and gated."""

    def __init__(self, inputs: int, outputs: int, deformable: bool = False) -> None:
        def conv(channels: int) -> nnx.Module:
            if deformable:
                return DeformableConv(channels, outputs)
            return Conv(channels, outputs, _WINDOW)

        self.conv1, self.conv2 = conv(inputs), conv(outputs)
        self.bn1, self.bn2 = (BatchNorm(outputs, _EPSILON) for _ in range(2))

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
        return nnx.selu(self.inner(x))

    def inner(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
        """Returns what is before the last gate."""
        return self.bn2(self.conv2(nnx.selu(self.bn1(self.conv1(x)))))


class ResidualBlock(Block):
    """A block beside which the input passes too, at as many channels."""

    def __init__(self, inputs: int, outputs: int, deformable: bool = False) -> None:
        super().__init__(inputs, outputs, deformable)
        self.downsample = PointwiseConv(inputs, outputs, use_bias=True)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
        return nnx.selu(self.inner(x) + self.downsample(x))


class Aliked(nnx.Module):
    """The network; called with RGB images it returns their keypoints."""

    def __init__(self, config: AlikedConfig) -> None:
        c1, c2, c3, c4 = config.widths
        channels = config.channels
        self.block1 = Block(3, c1)
        self.block2 = ResidualBlock(c1, c2)
        self.block3 = ResidualBlock(c2, c3, deformable=True)
        self.block4 = ResidualBlock(c3, c4, deformable=True)
        self.conv1, self.conv2, self.conv3, self.conv4 = (
            PointwiseConv(width, channels // 4) for width in config.widths
        )
        self.score_head = Numbered(
            PointwiseConv(channels, 8),
            selu(),
            Conv(8, 4, _WINDOW),
            selu(),
            Conv(4, 4, _WINDOW),
            selu(),
            Conv(4, 1, _WINDOW),
        )
        self.desc_head = DescriptorHead(channels, config.side, config.samples)
        self.config = config

    def __call__(self, images: Float[Array, "b h w 3"], count: int) -> Keypoints:
        """Returns the best keypoints of images.

        They are in the order of their pixels' scores; theirs are read between pixels.

        Args:
            images: RGB in [0, 1].
            count: how many keypoints of each.
        """
        config = self.config
        features, heat = self.maps(images)
        found = peaks.peaks(heat, 2 * config.reach + 1, config.rounds)
        found = found & (heat > config.threshold)
        pixels, best = peaks.best(jnp.where(found, heat, -1.0), count)
        real = best > 0
        places = peaks.refined(heat, pixels, config.reach, config.temperature)
        read = jax.vmap(lambda grid, at: peaks.read(grid, at, "linear")[:, 0])
        return Keypoints(
            places + 0.5,
            self.desc_head(features, places),
            jnp.where(real, read(heat[..., None], places), 0.0),
            real,
            images.shape[2],
            images.shape[1],
        )

    def maps(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b h w c"], Float[Array, "b h w"]]:
        """Returns every pixel's features, unit vectors, and its score in [0, 1]."""
        _, height, width, _ = images.shape
        around = [(0, 0), _padding(height), _padding(width), (0, 0)]
        x = self.block1(jnp.pad(images, around, mode="edge"))
        levels = [x]
        blocks = (self.block2, self.block3, self.block4)
        for side, block in zip((2, 4, 4), blocks, strict=True):
            levels.append(block(AveragePool(side)(levels[-1])))
        convs = (self.conv1, self.conv2, self.conv3, self.conv4)
        rows, columns = x.shape[1:3]
        joined = jnp.concatenate(
            [
                _stretched(_stretched(nnx.selu(conv(level)), 1, rows), 2, columns)
                for conv, level in zip(convs, levels, strict=True)
            ],
            axis=-1,
        )
        heat = nnx.sigmoid(self.score_head(joined)[..., 0])
        top, left = around[1][0], around[2][0]
        window = np.s_[:, top : top + height, left : left + width]
        return safe.normalize(joined[window]), heat[window]


def _padding(size: int) -> tuple[int, int]:
    """Returns the pixels before and after an axis that make it a multiple."""
    total = -size % _STRIDE
    return total // 2, total - total // 2


def _stretched(
    x: Float[Array, "b h w c"], axis: int, target: int
) -> Float[Array, "b h2 w2 c"]:
    """Returns maps at another size along an axis, by linear interpolation.

    The outermost pixels' centres stay where they are, unlike in `resize_grid`.
    """
    size = x.shape[axis]
    if size == target:
        return x
    places = np.arange(target) * ((size - 1) / (target - 1))
    first = np.minimum(places.astype(np.int32), max(size - 2, 0))
    second = np.minimum(first + 1, size - 1)
    share = (places - first).astype(np.float32)
    share = share.reshape(-1, *[1] * (x.ndim - 1 - axis))
    low, high = (jnp.take(x, index, axis=axis) for index in (first, second))
    return low + share * (high - low)
