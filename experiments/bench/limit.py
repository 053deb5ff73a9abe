"""What compositing could cost at best: its arithmetic on operands in cache.

The limit is the time of the same alpha blending (`blending.alpha`, `blending.advance`,
five channels) on blocks of the same shape, as many evaluations as the lists have pairs
times pixels, with all operands resident in cache: a small table of splats, of which
each round takes other rows, so that nothing can be moved out of the loop; no gathering,
no lists, no image to write. It counts pairs in the lists, so the padding of uneven
lists counts against the compositor and stopping early counts for it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsplat.rendering import blending, constants, lockstep, splat_table

_TABLE = 64  # rounds until the table repeats


@functools.partial(jax.jit, static_argnames="rounds")
def blend_resident(table: Array, rounds: int) -> Array:
    """Returns what compositing would, of blocks whose operands stay in cache.

    Args:
        table: records [_TABLE, 10, UNROLL, LOCKSTEP, 1].
        rounds: blocks of UNROLL splats to blend.
    """
    inside = np.indices((constants.TILE, constants.TILE)).reshape(2, lockstep.PIXELS)
    xs, ys = (jnp.asarray(axis + 0.5, jnp.float32) for axis in inside)

    def body(index: Array, state: tuple) -> tuple:
        transmittance, image = state
        block = lax.dynamic_index_in_dim(table, index % _TABLE, keepdims=False)
        u, v, *shape = block[:6]
        alphas = blending.alpha(u - xs, v - ys, *shape)
        channels = list(image)
        for k in range(lockstep.UNROLL):
            weight, transmittance = blending.advance(transmittance, alphas[k])
            for channel in range(4):
                channels[channel] += weight * block[6 + channel, k]
            channels[-1] += weight
        return transmittance, tuple(channels)

    one = jnp.ones((lockstep.LOCKSTEP, lockstep.PIXELS))
    state = (one, (jnp.zeros_like(one),) * splat_table.CHANNELS)
    return jnp.stack(lax.fori_loop(0, rounds, body, state)[1])


def resident_table(seed: int = 0) -> Array:
    """Returns faint splats near a tile, so that no pixel ever stops."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(size=(_TABLE, 10, lockstep.UNROLL, lockstep.LOCKSTEP, 1))
    table[:, :2] = 12 * table[:, :2] - 2
    table[:, 2:5] = [[[[[0.39]]], [[[0.05]]], [[[0.38]]]]]
    table[:, 5] = np.log(0.01)
    return jnp.asarray(table, jnp.float32)
