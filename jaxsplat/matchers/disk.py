"""DISK: keypoints and descriptors of a U-Net.

Tyszkiewicz et al., "DISK: Learning Local Features with Policy Gradient" (NeurIPS 2020).
Attribute names are the published PyTorch names.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.features.architecture import Window
from jaxsplat.features.interpolation import resize_grid
from jaxsplat.features.layers import Conv
from jaxsplat.matchers import peaks
from jaxsplat.matchers.config import DetectorConfig
from jaxsplat.matchers.parts import AveragePool, Numbered
from jaxsplat.matchers.records import Keypoints

_EPSILON = 1e-5
_SIDE = 5  # of all convolutions


@dataclasses.dataclass(frozen=True, kw_only=True)
class DiskConfig(DetectorConfig):
    """The network that is published, with both sets of weights.

    Attributes:
        down: channels of each level, the finest first.
        up: of each level on the way back, the coarsest first; the finest level's are
            the descriptor's, and one for the score.
        window: side in pixels of the neighbourhood whose highest pixel is taken.
    """

    channels: int = 128
    multiple: int = 16
    down: tuple[int, ...] = (16, 32, 64, 64, 64)
    up: tuple[int, ...] = (64, 64, 64)
    window: int = 5


class Normalize(nnx.Module):
    """Normalises every channel of every image by its own mean and variance."""

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        x = x - jnp.mean(x, axis=(1, 2), keepdims=True)
        variance = jnp.mean(x * x, axis=(1, 2), keepdims=True)
        return x * lax.rsqrt(variance + _EPSILON)


class Gate(nnx.Module):
    """Scales what is negative, by a learnt factor for each channel."""

    def __init__(self, channels: int) -> None:
        self.weight = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        return jnp.where(x > 0, x, self.weight[...] * x)


class Identity(nnx.Module):
    """Has a number in the files and does nothing, as dropout in a trained network."""

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        return x


def _layer(inputs: int, outputs: int, is_first: bool = False) -> Numbered:
    padding = (_SIDE // 2, _SIDE // 2)
    conv = Conv(inputs, outputs, Window(_SIDE, 1, padding), use_bias=True)
    if is_first:
        return Numbered(Identity(), Identity(), Identity(), conv)
    return Numbered(Normalize(), Gate(inputs), Identity(), conv)


class Up(nnx.Module):
    """Joins a coarse level, at twice its size, with the one above it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.conv = _layer(inputs, outputs)

    def __call__(
        self, coarse: Float[Array, "b h w c"], fine: Float[Array, "b h2 w2 c2"]
    ) -> Float[Array, "b h2 w2 c3"]:
        height, width = fine.shape[1:3]
        large = jax.vmap(lambda x: resize_grid(x, height, width, "linear"))(coarse)
        return self.conv(jnp.concatenate([large, fine], axis=-1))


class Unet(nnx.Module):
    """The network without what is made of its maps."""

    def __init__(self, config: DiskConfig) -> None:
        inputs = (3, *config.down[:-1])
        self.path_down = nnx.List(
            Numbered(
                Identity() if n == 0 else AveragePool(2),
                _layer(inputs[n], outputs, is_first=n == 0),
            )
            for n, outputs in enumerate(config.down)
        )
        outputs = (*config.up, config.channels + 1)
        coarse = (config.down[-1], *config.up)
        fine = config.down[-2::-1]
        self.path_up = nnx.List(
            Up(c + f, o) for c, f, o in zip(coarse, fine, outputs, strict=True)
        )

    def __call__(self, images: Float[Array, "b h w 3"]) -> Float[Array, "b h w c"]:
        levels = [images]
        for shrink in self.path_down:
            levels.append(shrink(levels[-1]))
        x = levels.pop()
        for join in self.path_up:
            x = join(x, levels.pop())
        return x


class Disk(nnx.Module):
    """The network; called with RGB images it returns their keypoints."""

    def __init__(self, config: DiskConfig) -> None:
        self.unet = Unet(config)
        self.config = config

    def __call__(self, images: Float[Array, "b h w 3"], count: int) -> Keypoints:
        """Returns the best keypoints of images.

        Args:
            images: RGB in [0, 1], sides multiples of `config.multiple`.
            count: how many keypoints of each.
        """
        maps = self.unet(images)
        descriptors, heat = maps[..., :-1], maps[..., -1]
        found = peaks.peaks(heat, self.config.window) & (heat > 0)
        pixels, scores = peaks.best(jnp.where(found, heat, -1.0), count)
        real = scores > 0
        at = jax.vmap(lambda grid, place: grid[place[:, 1], place[:, 0]])
        return Keypoints(
            pixels.astype(jnp.float32) + 0.5,
            safe.normalize(at(descriptors, pixels)),
            jnp.where(real, scores, 0.0),
            real,
            images.shape[2],
            images.shape[1],
        )
