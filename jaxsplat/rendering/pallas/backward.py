"""The reverse pass of compositing: a row of gradients for every pair, then their sum.

The walk goes front to back again: the light behind a splat is the total minus what has
been composited so far, so nothing but the image is kept from the forward pass. The rows
of a splat are sorted together and added up in the order of its tiles: the gradient is
the same to the last bit every time.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jaxtyping import Float, Int

from jaxsplat.rendering import blending, constants, sorting, splat_table
from jaxsplat.rendering.batching import natively_batched
from jaxsplat.rendering.pallas.launch import (
    WHOLE,
    Bounds,
    Launch,
    Ref,
    Tile,
    aligned,
    call,
)
from jaxsplat.rendering.pallas.searching import Search

WARPS = 1
_LANES = 16  # of a row: the least power of two that holds a record
_BLOCK = 16  # rows added in one step


def backward(
    table: Float[Array, "n r"],
    lists: Bounds,
    image: Float[Array, "t p 5"],
    cotangent: Float[Array, "t p 5"],
    launch: Launch,
) -> Float[Array, "n r"]:
    """Returns the cotangent of the splats' records.

    Args:
        table: the splats' `splat_table.table`.
        lists: ids, starts and ends of the tile lists.
        image: what `forward` returned.
        cotangent: of that image.
        launch: how to run.
    """
    ids, _, ends = lists
    m = len(ids)
    rows = launch(
        _kernel,
        (aligned(table), WHOLE),
        (image, launch.pixels(splat_table.CHANNELS)),
        (cotangent, launch.pixels(splat_table.CHANNELS)),
        lists=lists,
        out=((m, _LANES), WHOLE),
        warps=WARPS,
        name="composite_reverse",
    )
    # No program writes the rows behind the last list.
    splats = jnp.where(jnp.arange(m, dtype=jnp.int32) < ends[-1], ids, len(table))
    order, bounds = _by_splat(len(table), Search(launch.interpret))(splats)
    # The last splat's block may reach beyond the rows.
    sorted_rows = jnp.pad(rows[order], ((0, _BLOCK), (0, 0)))
    return sums(sorted_rows, bounds, launch.interpret)[:, : splat_table.WIDTH]


def _by_splat(n: int, search: Search) -> Callable[[Array], tuple[Array, Array]]:
    """Returns the function from pairs' splats to the pairs by splat, and their bounds.

    Args:
        n: number of splats, which stands for none too.
        search: finds the bounds.
    """

    @natively_batched
    def sort(splats: Array) -> tuple[Array, Array]:
        b, m = splats.shape
        places = jnp.broadcast_to(jnp.arange(m, dtype=jnp.int32), (b, m))
        keys, order = sorting.by_group(splats, places, n, m)
        return order, search(keys, 0, n + 1)

    return sort


def sums(
    rows: Float[Array, "m c"], bounds: Int[Array, " k"], interpret: bool
) -> Float[Array, "n c"]:
    """Returns the sums of n = k - 1 neighbouring groups of rows.

    Args:
        rows: c is a power of two, and behind the last group there are `_BLOCK` more.
        bounds: where each group begins, and where the last ends.
        interpret: let XLA run the kernel.
    """
    n, width = len(bounds) - 1, rows.shape[1]

    def body(rows: Ref, bounds: Ref, out: Ref) -> None:
        group = pl.program_id(0)
        first, last = bounds[group], bounds[group + 1]

        def add(block: Array, total: Array) -> Array:
            place = first + block * _BLOCK
            inside = place + jnp.arange(_BLOCK, dtype=jnp.int32) < last
            found = rows[pl.ds(place, _BLOCK), :]
            return total + jnp.sum(jnp.where(inside[:, None], found, 0.0), axis=0)

        blocks = (last - first + _BLOCK - 1) // _BLOCK
        nothing = jnp.zeros(width, jnp.float32)
        out[:] = lax.fori_loop(jnp.int32(0), blocks, add, nothing)

    return call(
        body,
        (n,),
        (rows, WHOLE),
        (bounds, WHOLE),
        out=((n, width), pl.BlockSpec((None, width), lambda group: (group, 0))),
        warps=WARPS,
        name="row_sums",
        interpret=interpret,
    )


def _kernel(tile: Tile, table: Ref, image: Ref, cotangent: Ref, rows: Ref) -> None:
    xs, ys = tile.pixel_centers()
    pull = [cotangent[:, channel] for channel in range(splat_table.CHANNELS)]
    # The light that reaches a pixel, weighted by the cotangent.
    light = sum(
        image[:, channel] * pull[channel] for channel in range(splat_table.CHANNELS)
    )

    def blend(place: Array, splat: Array, state: tuple) -> tuple:
        transmittance, remaining = state
        u, v, p, q, r, log_opacity, *channels = (
            table[splat, column] for column in range(splat_table.WIDTH)
        )
        dx, dy = u - xs, v - ys
        alpha = blending.alpha(dx, dy, p, q, r, log_opacity)
        weight, transmittance = blending.advance(transmittance, alpha)
        emitted = pull[-1] + sum(
            value * pull[channel] for channel, value in enumerate(channels)
        )
        emitted = weight * emitted
        remaining = remaining - emitted
        # d light / d power: what the splat adds at this depth minus what it takes from
        # all behind it. A clamped opacity does not move.
        moves = (weight > 0) & (alpha < constants.ALPHA_MAX)
        power = emitted - alpha * remaining / (1 - alpha)
        power = jnp.where(moves, power, 0.0)
        along, aside = power * (p * dx + q * dy), power * dy
        sum_along = jnp.sum(along)
        row = [
            -p * sum_along,
            -(q * sum_along + r * r * jnp.sum(aside)),
            -jnp.sum(along * dx),
            -jnp.sum(along * dy),
            -r * jnp.sum(aside * dy),
            jnp.sum(power),
            *(jnp.sum(weight * pull[channel]) for channel in range(len(channels))),
        ]
        for column, value in enumerate(row):
            rows[place, column] = value
        return transmittance, remaining

    stopped, _ = tile.walk(blend, jnp.ones_like(xs), light)

    def clear(place: Array, none: tuple) -> tuple:
        for column in range(splat_table.WIDTH):
            rows[place, column] = jnp.float32(0)
        return none

    lax.fori_loop(stopped, tile.last, clear, ())
