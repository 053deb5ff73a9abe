"""Images as tiles: square blocks, row by row, and their pixels row by row."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.render.constants import TILE


def grid(width: int, height: int, tile: int = TILE) -> tuple[int, int]:
    """Returns the number of tiles along x and y."""
    return -(-width // tile), -(-height // tile)


def cut(image: Float[Array, "c h w"], tile: int = TILE) -> Float[Array, "t c p"]:
    """Returns an image's tiles; pixels beyond its edges are 0."""
    channels, height, width = image.shape
    columns, rows = grid(width, height, tile)
    margin = ((0, 0), (0, rows * tile - height), (0, columns * tile - width))
    blocks = jnp.pad(image, margin).reshape(channels, rows, tile, columns, tile)
    return blocks.transpose(1, 3, 0, 2, 4).reshape(-1, channels, tile**2)


def join(
    tiles: Float[Array, "t c p"], width: int, height: int, tile: int = TILE
) -> Float[Array, "c h w"]:
    """Returns the image that `cut` took apart."""
    columns, rows = grid(width, height, tile)
    blocks = tiles.reshape(rows, columns, -1, tile, tile).transpose(2, 0, 3, 1, 4)
    return blocks.reshape(-1, rows * tile, columns * tile)[:, :height, :width]
