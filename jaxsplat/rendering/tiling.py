"""Images as tiles: square blocks, row by row, and their pixels row by row."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering.constants import TILE


def grid(width: int, height: int) -> tuple[int, int]:
    """Returns the number of tiles along x and y."""
    return -(-width // TILE), -(-height // TILE)


def cut(image: Float[Array, "c h w"]) -> Float[Array, "t c p"]:
    """Returns an image's tiles; pixels beyond its edges are 0."""
    channels, height, width = image.shape
    columns, rows = grid(width, height)
    margin = ((0, 0), (0, rows * TILE - height), (0, columns * TILE - width))
    blocks = jnp.pad(image, margin).reshape(channels, rows, TILE, columns, TILE)
    return blocks.transpose(1, 3, 0, 2, 4).reshape(-1, channels, TILE**2)


def join(
    tiles: Float[Array, "t c p"], width: int, height: int
) -> Float[Array, "c h w"]:
    """Returns the image that `cut` took apart."""
    columns, rows = grid(width, height)
    blocks = tiles.reshape(rows, columns, -1, TILE, TILE).transpose(2, 0, 3, 1, 4)
    return blocks.reshape(-1, rows * TILE, columns * TILE)[:, :height, :width]
