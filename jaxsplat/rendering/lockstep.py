"""Tiles composited many at a time: what the XLA backend's loops share.

XLA runs each step of a loop as separate small kernels, so one tile at a time would
spend its time on starting kernels. Tiles are therefore ordered by list length and
composited `LOCKSTEP` at a time, a tile's pixels on the minor axis.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.rendering import blending, constants, splat_table, tiling
from jaxsplat.rendering.batching import natively_batched

LOCKSTEP = 64  # tiles composited together
UNROLL = 4  # splats of each tile per loop step
PIXELS = constants.TILE**2

_OFFSETS = np.indices((constants.TILE, constants.TILE)).reshape(2, PIXELS)[::-1].T
_OFFSETS = (_OFFSETS - (constants.TILE - 1) / 2).astype(np.float32)
# Monomials 1, x, y, x^2, xy, y^2 of a pixel's offset from its tile's middle,
# [PIXELS, 6].
MONOMIALS = np.stack(
    [
        np.ones(PIXELS, np.float32),
        *_OFFSETS.T,
        _OFFSETS[:, 0] ** 2,
        _OFFSETS[:, 0] * _OFFSETS[:, 1],
        _OFFSETS[:, 1] ** 2,
    ],
    axis=1,
)


def join_tiles(function: Callable[..., Array]) -> Callable[..., Array]:
    """Returns the function for one image, of which `vmap` joins all images' tiles.

    Each group of tiles can then come from any image, and images do not wait for one
    another.

    Args:
        function: takes records, the lists' ids, starts and ends, then any number of
            per-tile arrays with the tile on the first axis; returns an array whose
            first axis are the records or the tiles.
    """

    def of_batch(
        table: Array, ids: Array, starts: Array, ends: Array, *tiled: Array
    ) -> tuple[Array]:
        images = jnp.arange(len(table), dtype=jnp.int32)[:, None]

        def flatten(x: Array) -> Array:
            return x.reshape(-1, *x.shape[2:])

        found = function(
            flatten(table),
            flatten(ids + images * table.shape[1]),
            flatten(starts + images * ids.shape[1]),
            flatten(ends + images * ids.shape[1]),
            *(flatten(x) for x in tiled),
        )
        return (found.reshape(len(table), -1, *found.shape[1:]),)

    one = natively_batched(of_batch)
    return lambda *arrays: one(*arrays)[0]


def corners(width: int, height: int) -> Float[np.ndarray, "t 2"]:
    """Returns x and y of each tile's first corner, in pixels."""
    tiles_x, tiles_y = tiling.grid(width, height)
    places = np.indices((tiles_y, tiles_x)).reshape(2, -1)[::-1].T
    return (places * constants.TILE).astype(np.float32)


def group_tiles(starts: Array, ends: Array) -> Array:
    """Returns tile indices [groups, LOCKSTEP], longest lists first.

    Places after the last tile hold the number of tiles, an index outside.
    """
    tiles = starts.shape[0]
    places = jnp.arange(tiles, dtype=jnp.int32)
    _, order = lax.sort((starts - ends, places), num_keys=1, is_stable=True)
    order = jnp.pad(order, (0, -tiles % LOCKSTEP), constant_values=tiles)
    return order.reshape(-1, LOCKSTEP)


def take(values: Array, tiles: Array) -> Array:
    """Returns the rows of per-tile values, 0 for places after the last tile."""
    return jnp.take(values, tiles, axis=0, mode="fill", fill_value=0)


def pixel_centers(corners: Array, tiles: Array) -> tuple[Array, Array]:
    """Returns x and y of the pixel centres, [LOCKSTEP, PIXELS] each."""
    y, x = np.indices((constants.TILE, constants.TILE)).reshape(2, PIXELS) + 0.5
    corner = take(corners, tiles)
    return jnp.float32(x) + corner[:, :1], jnp.float32(y) + corner[:, 1:]


def list_bounds(starts: Array, ends: Array, tiles: Array) -> tuple[Array, Array, Array]:
    """Returns where a group's lists begin and end, and the length of the longest."""
    first, last = take(starts, tiles), take(ends, tiles)
    return first, last, jnp.max(last - first)


def unfinished(step: Array, longest: Array, transmittance: Array) -> Array:
    """Returns whether a group has splats left and a pixel that lets light through."""
    return (step < longest) & jnp.any(transmittance > 0)


def next_chunk(
    table: Array, ids: Array, first: Array, last: Array, step: Array
) -> tuple[list[Array], Array]:
    """Returns the next splats' record entries, and their indices.

    The entries are ten arrays [UNROLL, LOCKSTEP]. Whole rows are gathered: XLA's CPU
    gather costs several times more for as many single numbers.
    """
    pairs = first + step + jnp.arange(UNROLL, dtype=jnp.int32)[:, None]
    splats = jnp.take(ids, pairs, mode="clip")
    entries = list(jnp.moveaxis(jnp.take(table, splats, axis=0, mode="clip"), 2, 0))
    log_opacity = entries[splat_table.LOG_OPACITY]
    entries[splat_table.LOG_OPACITY] = jnp.where(pairs < last, log_opacity, -jnp.inf)
    return entries, splats


def chunk_alphas(chunk: list[Array], xs: Array, ys: Array) -> Array:
    """Returns the opacity of each splat at each pixel, [UNROLL, LOCKSTEP, PIXELS]."""
    u, v, *shape = (entry[..., None] for entry in chunk[: splat_table.LOG_OPACITY + 1])
    return blending.alpha(u - xs, v - ys, *shape)


def ungroup_tiles(values: Array, groups: Array, tiles: int) -> Array:
    """Returns an array [t, ...] from one of groups, [groups, LOCKSTEP, ...]."""
    place = jnp.zeros(tiles, jnp.int32)
    place = place.at[groups.reshape(-1)].set(
        jnp.arange(groups.size, dtype=jnp.int32), mode="drop"
    )
    return values.reshape(-1, *values.shape[2:])[place]


def chunk_weights(alphas: Array, transmittance: Array) -> tuple[Array, Array]:
    """Returns `blending.advance` for each splat of a chunk in turn, twice [k, g, p].

    As products over the splats in front: repeating them costs less than a kernel for
    each. The weight, alpha times the transmittance before, is written with the division
    that keeps it in memory.
    """
    rank = jnp.arange(len(alphas), dtype=jnp.int32)[:, None, None]
    behind = transmittance
    for k in range(len(alphas)):
        behind = behind * (1 - jnp.where(rank >= k, alphas[k], 0.0))
    behind = jnp.where(behind >= constants.TRANSMITTANCE_MIN, behind, 0.0)
    return alphas * behind / (1 - alphas), behind


def chunk_remaining(light: Array, remaining: Array) -> Array:
    """Returns what remains of the light behind each splat of a chunk, [k, g, p]."""
    rank = jnp.arange(len(light), dtype=jnp.int32)[:, None, None]
    for k in range(len(light)):
        remaining = remaining - jnp.where(rank >= k, light[k], 0.0)
    return remaining
