"""Layers that read their input where they themselves choose.

Dai et al., "Deformable Convolutional Networks" (ICCV 2017), and the descriptor head of
ALIKED. Attribute names are the published PyTorch names. Beyond its frame a map is 0.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.features.architecture import Window
from jaxsplat.features.layers import Conv, PointwiseConv
from jaxsplat.matchers import peaks
from jaxsplat.matchers.parts import Numbered, selu

_SIDE = 3  # of the convolutions
_REACH = 0.25  # of the map's longer side: no offset along an axis is larger


class DeformableConv(nnx.Module):
    """A 3x3 convolution of which every tap has an offset of its own at every pixel.

    The offsets are not modulated (version 1).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        window = Window(_SIDE, 1, (_SIDE // 2, _SIDE // 2))
        self.offset_conv = Conv(inputs, 2 * _SIDE**2, window, use_bias=True)
        self.regular_conv = Conv(inputs, outputs, window)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c2"]:
        count, height, width, _ = x.shape
        # Of each tap the offset along y comes first.
        offsets = _limited(self.offset_conv(x), x)
        offsets = offsets.reshape(count, height, width, -1, 2)[..., ::-1]
        places = offsets + _taps(height, width)
        found = _read(x, places.reshape(count, -1, 2)).reshape(count, height, width, -1)
        weight = self.regular_conv.weight[...]
        weight = weight.reshape(-1, weight.shape[-1])
        return jnp.matmul(found, weight, precision=lax.Precision.HIGHEST)


class DescriptorHead(nnx.Module):
    """Describes keypoints by features at places around each that their patch tells.

    The sparse deformable descriptor head, SDDH, of ALIKED.
    """

    def __init__(self, channels: int, side: int, samples: int) -> None:
        """Makes the head.

        Args:
            channels: of the features, and of a descriptor.
            side: of the patch around a keypoint.
            samples: number of places.
        """
        self.offset_conv = Numbered(
            Conv(channels, 2 * samples, Window(side, 1, (0, 0)), use_bias=True),
            selu(),
            PointwiseConv(2 * samples, 2 * samples, use_bias=True),
        )
        self.sf_conv = PointwiseConv(channels, channels)
        self.agg_weights = nnx.Param(jnp.zeros((samples, channels, channels)))
        self.side = side

    def __call__(
        self, features: Float[Array, "b h w c"], places: Float[Array, "b n 2"]
    ) -> Float[Array, "b n c"]:
        """Returns unit vectors.

        Args:
            features: of every pixel.
            places: of keypoints, x and y; pixels' centres are whole numbers.
        """
        count, number, _ = places.shape
        patches = jax.vmap(lambda grid, at: _patches(grid, at, self.side))
        around = patches(features, places).reshape(
            -1, self.side, self.side, features.shape[-1]
        )
        # All offsets along x come first.
        offsets = _limited(self.offset_conv(around), features)
        offsets = offsets.reshape(count, number, 2, -1).swapaxes(-1, -2)
        at = places[:, :, None] + offsets
        found = _read(features, at.reshape(count, -1, 2))
        found = nnx.selu(self.sf_conv(found.reshape(*at.shape[:3], -1)))
        described = jnp.einsum(
            "bnpc,pcd->bnd",
            found,
            self.agg_weights[...],
            precision=lax.Precision.HIGHEST,
        )
        return safe.normalize(described)


def _limited(
    offsets: Float[Array, "..."], grid: Float[Array, "b h w c"]
) -> Float[Array, "..."]:
    reach = _REACH * max(grid.shape[1:3])
    return jnp.clip(offsets, -reach, reach)


def _read(
    x: Float[Array, "b h w c"], places: Float[Array, "b n 2"]
) -> Float[Array, "b n c"]:
    return jax.vmap(lambda grid, at: peaks.read(grid, at, "linear"))(x, places)


def _taps(height: int, width: int) -> Float[np.ndarray, "h w t 2"]:
    """Returns x and y of all taps of all pixels, row by row, without offsets."""
    pixels, taps = (
        np.moveaxis(np.indices(sizes)[::-1], 0, -1)
        for sizes in ((height, width), (_SIDE, _SIDE))
    )
    taps = taps.reshape(-1, 2) - _SIDE // 2
    return (pixels[:, :, None] + taps).astype(np.float32)


def _patches(
    grid: Float[Array, "h w c"], places: Float[Array, "n 2"], side: int
) -> Float[Array, "n s s c"]:
    """Returns patches around the pixels left of and above places.

    As the weights were trained, none has the last row or column.
    """
    last = jnp.array([grid.shape[1], grid.shape[0]], jnp.int32) - 1 - side
    first = jnp.floor(places).astype(jnp.int32) - side // 2
    first = jnp.maximum(jnp.minimum(first, last), 0)
    steps = jnp.arange(side, dtype=jnp.int32)
    x, y = (first[:, axis, None] + steps for axis in (0, 1))
    return grid[y[:, :, None], x[:, None, :]]
