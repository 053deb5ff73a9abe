"""The compositing kernel: colour, depth and coverage of each tile's pixels."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering import blending, splat_table
from jaxsplat.rendering.constants import TILE
from jaxsplat.rendering.pallas.launch import WHOLE, Bounds, Launch, Ref, Tile, aligned

WARPS = 1


def forward(
    table: Float[Array, "n r"], lists: Bounds, launch: Launch
) -> Float[Array, "t p 5"]:
    """Returns red, green, blue, depth and coverage of each tile's pixels.

    Args:
        table: the splats' `splat_table.table`.
        lists: ids, starts and ends of the tile lists.
        launch: how to run.
    """
    shape = (launch.tiles, TILE**2, splat_table.CHANNELS)
    return launch(
        _kernel,
        (aligned(table), WHOLE),
        lists=lists,
        out=(shape, launch.pixels(splat_table.CHANNELS)),
        warps=WARPS,
        name="composite",
    )


def _kernel(tile: Tile, table: Ref, image: Ref) -> None:
    xs, ys = tile.pixel_centers()

    def blend(place: Array, splat: Array, state: tuple) -> tuple:
        transmittance, *channels = state
        u, v, *shape = (table[splat, k] for k in range(splat_table.LOG_OPACITY + 1))
        alpha = blending.alpha(u - xs, v - ys, *shape)
        weight, transmittance = blending.advance(transmittance, alpha)
        for channel in range(splat_table.CHANNELS - 1):
            channels[channel] += (
                weight * table[splat, splat_table.COLORS.start + channel]
            )
        channels[-1] += weight
        return transmittance, *channels

    zero = jnp.zeros_like(xs)
    state = tile.walk(blend, zero + 1, *(zero,) * splat_table.CHANNELS)[1]
    for channel, values in enumerate(state[1:]):
        image[:, channel] = values
