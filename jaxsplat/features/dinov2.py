"""DINOv2's vision transformers.

Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision" (TMLR 2024).
Attribute names are the published PyTorch names.
"""

import dataclasses

import jax.numpy as jnp
from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.features.config import NetworkConfig, Tap
from jaxsplat.features.interpolation import resize_grid
from jaxsplat.features.transformer import (
    LayerNorm,
    Linear,
    Mlp,
    PatchEmbedding,
    attend,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DinoV2Config(NetworkConfig):
    """One member of the family.

    Attributes:
        width: channels of a token.
        depth: number of blocks.
        heads: of each attention.
        patch: side of a patch in pixels.
        grid: patches a side of the images of the training; positions are learnt for
            these and interpolated for others.
    """

    width: int
    depth: int
    heads: int
    patch: int = 14
    grid: int = 37

    @property
    def multiple(self) -> int:
        """The side of a patch."""
        return self.patch

    @property
    def all_taps(self) -> tuple[Tap, ...]:
        """The patches' tokens after each block, the first block's is "layer1"."""
        return tuple(
            Tap(f"layer{n}", self.patch, self.width) for n in range(1, self.depth + 1)
        )


class Scale(nnx.Module):
    """Scales every channel."""

    def __init__(self, channels: int) -> None:
        self.gamma = nnx.Param(jnp.zeros((channels,)))

    def __call__(self, x: Float[Array, "b n c"]) -> Float[Array, "b n c"]:
        return x * self.gamma[...]


class Attention(nnx.Module):
    """Attention of all tokens to all."""

    def __init__(self, channels: int, heads: int) -> None:
        self.qkv = Linear(channels, 3 * channels)
        self.proj = Linear(channels, channels)
        self.heads = heads

    def __call__(self, x: Float[Array, "b n c"]) -> Float[Array, "b n c"]:
        split = self.qkv(x).reshape(*x.shape[:2], 3, self.heads, -1)
        queries, keys, values = jnp.moveaxis(split, (2, 3), (0, 2))
        mixed = attend(queries, keys, values)
        return self.proj(mixed.swapaxes(1, 2).reshape(x.shape))


class Block(nnx.Module):
    """Attention and two linear maps, each normalised before and scaled after."""

    def __init__(self, config: DinoV2Config) -> None:
        width = config.width
        self.norm1, self.norm2 = LayerNorm(width), LayerNorm(width)
        self.attn = Attention(width, config.heads)
        self.ls1, self.ls2 = Scale(width), Scale(width)
        self.mlp = Mlp(width)

    def __call__(self, x: Float[Array, "b n c"]) -> Float[Array, "b n c"]:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class DinoV2(nnx.Module):
    """The blocks up to the last tapped one; returns the patches' tokens as maps.

    They are not normalised: the last normalisation stands behind the last block.
    """

    def __init__(self, config: DinoV2Config) -> None:
        width = config.width
        self.patch_embed = PatchEmbedding(width, config.patch)
        self.cls_token = nnx.Param(jnp.zeros((1, 1, width)))
        # The first is the class token's.
        self.pos_embed = nnx.Param(jnp.zeros((1, 1 + config.grid**2, width)))
        last = config.all_taps.index(config.taps[-1])
        self.blocks = nnx.List(Block(config) for _ in range(last + 1))
        self.config = config

    def __call__(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[Float[Array, "b _ _ _"], ...]:
        patches = self.patch_embed(images)
        count, height, width, channels = patches.shape
        side = self.config.grid
        places = self.pos_embed[...][0]
        grid = places[1:].reshape(side, side, channels)
        patches = patches + resize_grid(grid, height, width, "cubic")
        first = jnp.broadcast_to(self.cls_token[...] + places[:1], (count, 1, channels))
        x = jnp.concatenate([first, patches.reshape(count, -1, channels)], axis=1)
        wanted, maps = {tap.name for tap in self.config.taps}, []
        for n, block in enumerate(self.blocks, 1):
            x = block(x)
            if f"layer{n}" in wanted:
                maps.append(x[:, 1:].reshape(patches.shape))
        return tuple(maps)
