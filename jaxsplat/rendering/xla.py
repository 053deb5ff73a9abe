"""Portable compositing in plain XLA, laid out for CPUs (see `lockstep`).

The reverse pass repeats the front-to-back loop: the light behind a splat is the total
minus what has been composited so far, so nothing but the image is kept.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import se3
from jaxsplat.rendering import blending, constants, lockstep, splat_table, tiling
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.projection import Splats


def composite(
    splats: Splats, lists: TileLists, width: int, height: int
) -> Float[Array, "5 h w"]:
    """Returns what `reference.composite` returns, from tile lists."""
    tiles = composite_tiles(
        splat_table.table(splats),
        lists.ids,
        lists.starts,
        lists.ends,
        jnp.asarray(lockstep.corners(width, height)),
    )
    return tiling.join(tiles, width, height)


@jax.custom_vjp
def composite_tiles(
    table: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    """Returns the images of tiles.

    Args:
        table: the splats' `splat_table.table`, [n, WIDTH].
        ids: of the tile lists, [m]; `starts` and `ends` [t] likewise.
        starts: see `ids`.
        ends: see `ids`.
        corners: `lockstep.corners`, [t, 2].

    Returns:
        Red, green, blue, depth and coverage of each tile's pixels, [t, 5, PIXELS].
    """
    return _forward(table, ids, starts, ends, corners)


def _composite_fwd(*inputs: Array) -> tuple[Array, tuple]:
    output = _forward(*inputs)
    return output, (*inputs, output)


def _composite_bwd(residuals: tuple, cotangent: Array) -> tuple:
    return _backward(*residuals, cotangent), None, None, None, None


composite_tiles.defvjp(_composite_fwd, _composite_bwd)


@lockstep.join_tiles
def _forward(
    table: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    def composite_group(tiles: Array) -> Array:
        xs, ys = lockstep.pixel_centers(corners, tiles)
        first, last, longest = lockstep.list_bounds(starts, ends, tiles)

        def going(state: tuple) -> Array:
            return lockstep.unfinished(state[0], longest, state[1])

        def body(state: tuple) -> tuple:
            step, transmittance, image = state
            chunk, _ = lockstep.next_chunk(table, ids, first, last, step)
            alphas = lockstep.chunk_alphas(chunk, xs, ys)
            channels = list(image)
            for k in range(lockstep.UNROLL):
                weight, transmittance = blending.advance(transmittance, alphas[k])
                for channel, color in enumerate(chunk[splat_table.COLORS]):
                    channels[channel] += weight * color[k, :, None]
                channels[-1] += weight
            return step + lockstep.UNROLL, transmittance, tuple(channels)

        zero = jnp.zeros((lockstep.LOCKSTEP, lockstep.PIXELS), jnp.float32)
        state = (jnp.int32(0), jnp.ones_like(zero), (zero,) * splat_table.CHANNELS)
        return jnp.stack(lax.while_loop(going, body, state)[2], axis=1)

    groups = lockstep.group_tiles(starts, ends)
    images = lax.map(composite_group, groups)
    return lockstep.ungroup_tiles(images, groups, starts.shape[0])


@lockstep.join_tiles
def _backward(
    table: Array,
    ids: Array,
    starts: Array,
    ends: Array,
    corners: Array,
    output: Array,
    cotangent: Array,
) -> Array:
    """Returns the cotangent of the records, [n, 10]."""
    # The light that reaches a pixel, weighted by the cotangent.
    total = jnp.sum(output * cotangent, axis=1)

    def accumulate_group(gradient: Array, tiles: Array) -> tuple[Array, None]:
        xs, ys = lockstep.pixel_centers(corners, tiles)
        first, last, longest = lockstep.list_bounds(starts, ends, tiles)
        pull = jnp.moveaxis(lockstep.take(cotangent, tiles), 1, 0)
        light = lockstep.take(total, tiles)

        def going(state: tuple) -> Array:
            return lockstep.unfinished(state[0], longest, state[1])

        def body(state: tuple) -> tuple:
            step, transmittance, remaining, gradient = state
            chunk, splats = lockstep.next_chunk(table, ids, first, last, step)
            rows, transmittance, remaining = _chunk_gradient(
                chunk, xs, ys, transmittance, remaining, pull
            )
            gradient = gradient.at[splats.reshape(-1)].add(
                rows.reshape(splat_table.WIDTH, -1).T, mode="drop"
            )
            return step + lockstep.UNROLL, transmittance, remaining, gradient

        state = (jnp.int32(0), jnp.ones_like(xs), light, gradient)
        return lax.while_loop(going, body, state)[3], None

    groups = lockstep.group_tiles(starts, ends)
    return lax.scan(accumulate_group, jnp.zeros_like(table), groups)[0]


def _chunk_gradient(
    chunk: list[Array],
    xs: Array,
    ys: Array,
    transmittance: Array,
    remaining: Array,
    pull: Array,
) -> tuple[Array, Array, Array]:
    """Returns the records' cotangents [10, UNROLL, LOCKSTEP] and the next state.

    All splats of the chunk at once, so that each sum over pixels is one large kernel
    rather than several small ones.

    Args:
        chunk: record entries, ten arrays [UNROLL, LOCKSTEP].
        xs: pixel centres [LOCKSTEP, PIXELS]; `ys` likewise.
        ys: see `xs`.
        transmittance: in front of the chunk, [LOCKSTEP, PIXELS].
        remaining: cotangent-weighted light from the chunk to infinity.
        pull: cotangent of the output, [5, LOCKSTEP, PIXELS].
    """
    alphas = lockstep.chunk_alphas(chunk, xs, ys)
    weights, behind = lockstep.chunk_weights(alphas, transmittance)
    emitted = pull[-1] + sum(
        color[..., None] * pull[channel]
        for channel, color in enumerate(chunk[splat_table.COLORS])
    )
    # weights * emitted, kept in memory by its division.
    light = alphas * behind * emitted / (1 - alphas)
    after = lockstep.chunk_remaining(light, remaining)
    # d light / d power: what the splat adds at this depth minus what it takes from all
    # behind it. A clamped opacity does not move.
    moves = (weights > 0) & (alphas < constants.ALPHA_MAX)
    power = jnp.where(moves, light - alphas * after / (1 - alphas), 0.0)
    shape = _shape_gradient(chunk, power, jnp.mean(xs, axis=1), jnp.mean(ys, axis=1))
    colors = jnp.sum(weights * pull[:-1, None], axis=-1)
    return jnp.stack([*shape, *colors]), behind[-1], after[-1]


def _shape_gradient(
    chunk: list[Array], power: Array, middle_x: Array, middle_y: Array
) -> list[Array]:
    """Returns the cotangents of u, v, p, q, r and log opacity, [UNROLL, LOCKSTEP] each.

    Args:
        chunk: see `_chunk_gradient`.
        power: cotangent of the log opacity at each pixel, [UNROLL, LOCKSTEP, PIXELS].
        middle_x: middles of the tiles, [LOCKSTEP]; `middle_y` likewise.
        middle_y: see `middle_x`.
    """
    u, v, p, q, r = chunk[: splat_table.LOG_OPACITY]
    moments = se3.matmul(
        power.reshape(-1, lockstep.PIXELS), jnp.asarray(lockstep.MONOMIALS)
    )
    m, mx, my, mxx, mxy, myy = moments.T.reshape(-1, *u.shape)
    x, y = u - middle_x, v - middle_y
    sum_x, sum_y = x * m - mx, y * m - my
    sum_xx = x * x * m - 2 * x * mx + mxx
    sum_xy = x * y * m - x * my - y * mx + mxy
    sum_yy = y * y * m - 2 * y * my + myy
    along = p * sum_x + q * sum_y
    return [
        -p * along,
        -(q * along + r * r * sum_y),
        -(p * sum_xx + q * sum_xy),
        -(p * sum_xy + q * sum_yy),
        -r * sum_yy,
        m,
    ]
