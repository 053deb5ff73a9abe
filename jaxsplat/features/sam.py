"""The image encoder of SAM.

Kirillov et al., "Segment Anything" (ICCV 2023), Appendix A: a vision transformer whose
blocks attend within windows, but for four, with relative positions (Li et al.,
"Exploring Plain Vision Transformer Backbones for Object Detection", ECCV 2022; MViTv2,
CVPR 2022, Eq. 4), and a neck of two convolutions. Attribute names are the published
PyTorch names, without `image_encoder`.

It was trained on squares of 1024 pixels. Other sizes work by interpolating positions;
they are smaller than what it knows objects at.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.features.architecture import Window
from jaxsplat.features.config import NetworkConfig, Tap
from jaxsplat.features.interpolation import resize_grid, resizing
from jaxsplat.features.layers import Conv, PointwiseConv
from jaxsplat.features.transformer import (
    LayerNorm,
    Linear,
    Mlp,
    PatchEmbedding,
    attend,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamConfig(NetworkConfig):
    """One member of the family.

    Attributes:
        width: channels of a token.
        depth: number of blocks.
        heads: of each attention.
        everywhere: indices of the blocks that attend to the whole image.
        outputs: channels of the neck.
        patch: side of a patch in pixels.
        window: patches a side of the windows within which the other blocks attend.
        grid: patches a side of the images of the training; positions are learnt for
            these and interpolated for others.
    """

    width: int
    depth: int
    heads: int
    everywhere: tuple[int, ...]
    outputs: int = 256
    patch: int = 16
    window: int = 14
    grid: int = 64

    @property
    def multiple(self) -> int:
        """The side of a patch."""
        return self.patch

    @property
    def all_taps(self) -> tuple[Tap, ...]:
        """The neck's output alone."""
        return (Tap("neck", self.patch, self.outputs),)


class Attention(nnx.Module):
    """Attention of all patches of a window or an image, by relative positions.

    Args:
        channels: of a token.
        heads: of the attention.
        side: patches a side, for which the positions are learnt.
    """

    def __init__(self, channels: int, heads: int, side: int) -> None:
        self.qkv = Linear(channels, 3 * channels)
        self.proj = Linear(channels, channels)
        self.rel_pos_h = nnx.Param(jnp.zeros((2 * side - 1, channels // heads)))
        self.rel_pos_w = nnx.Param(jnp.zeros((2 * side - 1, channels // heads)))
        self.heads = heads

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        count, height, width, _ = x.shape
        rows = _between(self.rel_pos_h[...], height)
        columns = _between(self.rel_pos_w[...], width)

        def one_head(parts: Float[Array, "3 b h w d"]) -> Float[Array, "b h w d"]:
            queries = parts[0]
            down, across = (
                jnp.einsum(how, queries, table, precision=lax.Precision.HIGHEST)
                for how, table in (
                    ("bhwd,hkd->bhwk", rows),
                    ("bhwd,wkd->bhwk", columns),
                )
            )
            bias = down[..., :, None] + across[..., None, :]
            bias = bias.reshape(count, height * width, height * width)
            flat = parts.reshape(3, count, height * width, -1)
            return attend(flat[0], flat[1], flat[2], bias).reshape(queries.shape)

        split = self.qkv(x).reshape(count, height, width, 3, self.heads, -1)
        # One after another: at 1024 pixels a head's agreements take 67 MB an image.
        mixed = lax.map(one_head, jnp.moveaxis(split, (4, 3), (0, 1)))
        return self.proj(jnp.moveaxis(mixed, 0, 3).reshape(x.shape))


def _between(table: Float[Array, "_ d"], size: int) -> Float[Array, "{size} {size} d"]:
    """Returns what a table of relative positions says of each pair along an axis."""
    length = 2 * size - 1
    if len(table) != length:
        matrix = resizing(len(table), length, "linear")
        table = jnp.matmul(matrix, table, precision=lax.Precision.HIGHEST)
    places = np.arange(size, dtype=np.int32)
    return table[places[:, None] - places + (size - 1)]


class Block(nnx.Module):
    """Attention and two linear maps, each normalised before.

    Args:
        config: of the network.
        window: patches a side of the windows; 0 for the whole image.
    """

    def __init__(self, config: SamConfig, window: int) -> None:
        width = config.width
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)
        self.attn = Attention(width, config.heads, window or config.grid)
        self.mlp = Mlp(width, ("lin1", "lin2"))
        self.window = window

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        y = self.norm1(x)
        y = self._in_windows(y) if self.window else self.attn(y)
        x = x + y
        return x + self.mlp(self.norm2(x))

    def _in_windows(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        """Returns the attention within windows, the last ones filled up by zeros."""
        count, height, width, channels = x.shape
        side = self.window
        rows, columns = -(-height // side), -(-width // side)
        more = (0, rows * side - height), (0, columns * side - width)
        x = jnp.pad(x, ((0, 0), *more, (0, 0)))
        x = x.reshape(count, rows, side, columns, side, channels).swapaxes(2, 3)
        x = self.attn(x.reshape(-1, side, side, channels))
        x = x.reshape(count, rows, columns, side, side, channels).swapaxes(2, 3)
        x = x.reshape(count, rows * side, columns * side, channels)
        return x[:, :height, :width]


class Sam(nnx.Module):
    """The transformer and the neck; returns the neck's output."""

    def __init__(self, config: SamConfig) -> None:
        self.patch_embed = PatchEmbedding(config.width, config.patch)
        self.pos_embed = nnx.Param(
            jnp.zeros((1, config.grid, config.grid, config.width))
        )
        self.blocks = nnx.List(
            Block(config, 0 if index in config.everywhere else config.window)
            for index in range(config.depth)
        )
        self.neck = nnx.List(
            [
                PointwiseConv(config.width, config.outputs),
                LayerNorm(config.outputs),
                Conv(config.outputs, config.outputs, Window(3, 1, (1, 1))),
                LayerNorm(config.outputs),
            ]
        )

    def __call__(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        x = self.patch_embed(images)
        _, height, width, _ = x.shape
        x = x + resize_grid(self.pos_embed[...][0], height, width, "linear")
        for part in (*self.blocks, *self.neck):
            x = part(x)
        return (x,)
