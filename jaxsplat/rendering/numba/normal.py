"""The normal equations of a pose, by the handler."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering import motion, normal_form, tiling
from jaxsplat.rendering.batching import natively_batched
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.motion import Tangents
from jaxsplat.rendering.numba import target
from jaxsplat.rendering.numba.compositing import bin_splats, call
from jaxsplat.rendering.projection import Splats


def tile_lists(splats: Splats, width: int, height: int, capacity: int) -> TileLists:
    """Returns what `binning.bin_splats` returns."""
    (ids, _, starts, ends, _), needed = bin_splats(splats, width, height, capacity)
    return TileLists(ids, starts.reshape(-1), ends.reshape(-1), needed)


def normal_equations(
    table: Float[Array, "n r"],
    tangents: Tangents,
    lists: tuple[Array, Array, Array],
    photograph: Float[Array, "4 h w"],
    settings: Float[Array, " c"],
    exposure: bool,
) -> Float[Array, " s"]:
    """Returns what `pallas.normal.normal_equations` returns."""
    _, height, width = photograph.shape
    columns, rows = tiling.grid(width, height)
    count = normal_form.sums(normal_form.parameter_count(exposure))
    moving, settings = motion.rows(tangents, settings, motion.TERMS)

    def sums(table: Array, *rest: Array) -> tuple[Array, ...]:
        shape = (len(table), rows, columns, count)
        return call(target.EQUATIONS, [shape], jnp.float32, table, *rest)

    ids, starts, ends = lists
    (per_tile,) = natively_batched(sums)(
        table,
        moving,
        ids,
        starts.reshape(rows, columns),
        ends.reshape(rows, columns),
        settings,
        photograph,
    )
    return jnp.sum(per_tile, axis=(0, 1))
