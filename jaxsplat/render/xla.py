"""Portable compositing in plain XLA, laid out for CPUs: many small tiles in lockstep.

XLA runs each step of a loop as separate small kernels, so one tile at a time would
spend its time on starting kernels. Tiles are therefore ordered by list length and
composited `LOCKSTEP` at a time, a tile's pixels on the minor axis.

The reverse pass repeats the front-to-back loop: the light behind a splat is the total
minus what has been composited so far, so nothing but the image is kept.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap
from jaxtyping import Float

from jaxsplat.core import se3
from jaxsplat.render import binning, blending, constants
from jaxsplat.render.binning import TileLists
from jaxsplat.render.projection import Splats

LOCKSTEP = 64  # tiles composited together
UNROLL = 4  # splats of each tile per loop step
PIXELS = constants.TILE**2
CHANNELS = 5  # red, green, blue, depth, coverage

# Columns of the record table: u, v, conic a, b, c, log opacity, red, green, blue,
# depth.
_RECORD = 10
_LOG_OPACITY = 5
_COLORS = slice(6, 10)


_OFFSETS = np.indices((constants.TILE, constants.TILE)).reshape(2, PIXELS)[::-1].T
_OFFSETS = (_OFFSETS - (constants.TILE - 1) / 2).astype(np.float32)
# Monomials 1, x, y, x^2, xy, y^2 of a pixel's offset from its tile's middle,
# [PIXELS, 6].
_MOMENTS = np.stack(
    [
        np.ones(PIXELS, np.float32),
        *_OFFSETS.T,
        _OFFSETS[:, 0] ** 2,
        _OFFSETS[:, 0] * _OFFSETS[:, 1],
        _OFFSETS[:, 1] ** 2,
    ],
    axis=1,
)


def _records(splats: Splats) -> Float[Array, "n r"]:
    columns = [
        splats.means,
        splats.conics,
        splats.log_opacities[:, None],
        splats.colors,
        splats.depths[:, None],
    ]
    return jnp.concatenate(columns, axis=1)


def composite(
    splats: Splats, lists: TileLists, width: int, height: int
) -> Float[Array, "5 h w"]:
    """Returns what `reference.composite` returns, from tile lists."""
    tiles_x, tiles_y = binning.grid(width, height)
    corners = np.indices((tiles_y, tiles_x)).reshape(2, -1)[::-1].T * constants.TILE
    tiles = _composite(
        _records(splats),
        lists.ids,
        lists.starts,
        lists.ends,
        jnp.asarray(corners, jnp.float32),
    )
    side = constants.TILE
    image = tiles.reshape(tiles_y, tiles_x, CHANNELS, side, side)
    image = image.transpose(2, 0, 3, 1, 4)
    image = image.reshape(CHANNELS, tiles_y * side, tiles_x * side)
    return image[:, :height, :width]


@jax.custom_vjp
def _composite(
    records: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    """Returns [t, 5, PIXELS] from records [n, 10] and lists; corners are [t, 2]."""
    return _forward(records, ids, starts, ends, corners)


def _composite_fwd(*inputs: Array) -> tuple[Array, tuple]:
    output = _forward(*inputs)
    return output, (*inputs, output)


def _composite_bwd(residuals: tuple, cotangent: Array) -> tuple:
    return _backward(*residuals, cotangent), None, None, None, None


_composite.defvjp(_composite_fwd, _composite_bwd)


def _flat_batch(function: Any) -> Any:
    """Gives `function` a batching rule that joins all images' tiles in one list.

    The arguments are those of `_composite`, then any number of per-tile arrays with the
    tile on the first axis; so is the result, of records or of tiles. Each group of
    tiles can then come from any image, and images do not wait for one another.
    """
    batched = custom_vmap(function)

    @batched.def_vmap
    def rule(
        size: int, in_batched: list[bool], *inputs: Array | np.ndarray
    ) -> tuple[Array, bool]:
        records, ids, starts, ends, *tiled = (
            jnp.asarray(x) if is_batched else jnp.broadcast_to(x, (size, *x.shape))
            for x, is_batched in zip(inputs, in_batched, strict=True)
        )

        def join(x: Array) -> Array:
            return x.reshape(-1, *x.shape[2:])

        image = jnp.arange(size, dtype=jnp.int32)[:, None]
        output = batched(
            join(records),
            join(ids + image * records.shape[1]),
            join(starts + image * ids.shape[1]),
            join(ends + image * ids.shape[1]),
            *(join(x) for x in tiled),
        )
        return output.reshape(size, -1, *output.shape[1:]), True

    return batched


def _groups(starts: Array, ends: Array) -> Array:
    """Returns tile indices [groups, LOCKSTEP], longest lists first.

    Places after the last tile hold the number of tiles, an index outside.
    """
    tiles = starts.shape[0]
    order = jnp.argsort(starts - ends, stable=True).astype(jnp.int32)
    order = jnp.pad(order, (0, -tiles % LOCKSTEP), constant_values=tiles)
    return order.reshape(-1, LOCKSTEP)


def _take(values: Array, tiles: Array) -> Array:
    return jnp.take(values, tiles, axis=0, mode="fill", fill_value=0)


def _pixels(corners: Array, tiles: Array) -> tuple[Array, Array]:
    """Returns x and y of the pixel centres, [LOCKSTEP, PIXELS] each."""
    inside = np.indices((constants.TILE, constants.TILE)).reshape(2, PIXELS) + 0.5
    corner = _take(corners, tiles)
    return jnp.float32(inside[1]) + corner[:, :1], jnp.float32(inside[0]) + corner[
        :, 1:
    ]


def _chunk(
    records: Array, ids: Array, first: Array, last: Array, step: Array
) -> tuple[list[Array], Array]:
    """Returns the next splats' record entries, and their indices.

    The entries are ten arrays [UNROLL, LOCKSTEP]. Whole rows are gathered: XLA's CPU
    gather costs several times more for as many single numbers.
    """
    pairs = first + step + jnp.arange(UNROLL, dtype=jnp.int32)[:, None]
    splats = jnp.take(ids, pairs, mode="clip")
    entries = list(jnp.moveaxis(jnp.take(records, splats, axis=0, mode="clip"), 2, 0))
    entries[_LOG_OPACITY] = jnp.where(pairs < last, entries[_LOG_OPACITY], -jnp.inf)
    return entries, splats


def _alphas(chunk: list[Array], xs: Array, ys: Array) -> Array:
    """Returns the opacity of each splat at each pixel, [UNROLL, LOCKSTEP, PIXELS]."""
    u, v, *shape = (entry[..., None] for entry in chunk[: _LOG_OPACITY + 1])
    return blending.alpha(u - xs, v - ys, *shape)


@_flat_batch
def _forward(
    records: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    def composite_group(tiles: Array) -> Array:
        xs, ys = _pixels(corners, tiles)
        first, last = _take(starts, tiles), _take(ends, tiles)
        longest = jnp.max(last - first)

        def going(state: tuple) -> Array:
            step, transmittance, _ = state
            return (step < longest) & jnp.any(transmittance > 0)

        def body(state: tuple) -> tuple:
            step, transmittance, image = state
            chunk, _ = _chunk(records, ids, first, last, step)
            alphas = _alphas(chunk, xs, ys)
            channels = list(image)
            for k in range(UNROLL):
                weight, transmittance = blending.advance(transmittance, alphas[k])
                for channel, color in enumerate(chunk[_COLORS]):
                    channels[channel] += weight * color[k, :, None]
                channels[-1] += weight
            return step + UNROLL, transmittance, tuple(channels)

        zero = jnp.zeros((LOCKSTEP, PIXELS))
        state = (jnp.int32(0), jnp.ones_like(zero), (zero,) * CHANNELS)
        return jnp.stack(lax.while_loop(going, body, state)[2], axis=1)

    groups = _groups(starts, ends)
    images = lax.map(composite_group, groups)
    return _scatter_tiles(images, groups, starts.shape[0])


def _scatter_tiles(images: Array, groups: Array, tiles: int) -> Array:
    """Returns [t, 5, PIXELS] from images [groups, LOCKSTEP, 5, PIXELS]."""
    place = jnp.zeros(tiles, jnp.int32)
    place = place.at[groups.reshape(-1)].set(
        jnp.arange(groups.size, dtype=jnp.int32), mode="drop"
    )
    return images.reshape(-1, CHANNELS, PIXELS)[place]


@_flat_batch
def _backward(
    records: Array,
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
        xs, ys = _pixels(corners, tiles)
        first, last = _take(starts, tiles), _take(ends, tiles)
        longest = jnp.max(last - first)
        pull = jnp.moveaxis(_take(cotangent, tiles), 1, 0)
        light = _take(total, tiles)

        def going(state: tuple) -> Array:
            step, transmittance, _, _ = state
            return (step < longest) & jnp.any(transmittance > 0)

        def body(state: tuple) -> tuple:
            step, transmittance, remaining, gradient = state
            chunk, splats = _chunk(records, ids, first, last, step)
            rows, transmittance, remaining = _chunk_gradient(
                chunk, xs, ys, transmittance, remaining, pull
            )
            gradient = gradient.at[splats.reshape(-1)].add(
                rows.reshape(_RECORD, -1).T, mode="drop"
            )
            return step + UNROLL, transmittance, remaining, gradient

        state = (jnp.int32(0), jnp.ones_like(xs), light, gradient)
        return lax.while_loop(going, body, state)[3], None

    groups = _groups(starts, ends)
    return lax.scan(accumulate_group, jnp.zeros_like(records), groups)[0]


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
    alphas = _alphas(chunk, xs, ys)
    weights, behind = _weights(alphas, transmittance)
    emitted = pull[-1] + sum(
        color[..., None] * pull[channel] for channel, color in enumerate(chunk[_COLORS])
    )
    light = (
        alphas * behind * emitted / (1 - alphas)
    )  # weights * emitted, kept in memory
    after = _light_after(light, remaining)
    # d light / d power: what the splat adds at this depth minus what it takes from all
    # behind it. A clamped opacity does not move.
    moves = (weights > 0) & (alphas < constants.ALPHA_MAX)
    power = jnp.where(moves, light - alphas * after / (1 - alphas), 0.0)
    shape = _shape_gradient(chunk, power, jnp.mean(xs, axis=1), jnp.mean(ys, axis=1))
    colors = jnp.sum(weights * pull[:-1, None], axis=-1)
    return jnp.stack([*shape, *colors]), behind[-1], after[-1]


def _weights(alphas: Array, transmittance: Array) -> tuple[Array, Array]:
    """Returns `blending.advance` for each splat of a chunk in turn, twice [k, g, p].

    As products over the splats in front: repeating them costs less than a kernel for
    each. The weight, alpha times the transmittance before, is written with the division
    that keeps it in memory.
    """
    rank = jnp.arange(len(alphas))[:, None, None]
    behind = transmittance
    for k in range(len(alphas)):
        behind = behind * (1 - jnp.where(rank >= k, alphas[k], 0.0))
    behind = jnp.where(behind >= constants.TRANSMITTANCE_MIN, behind, 0.0)
    return alphas * behind / (1 - alphas), behind


def _light_after(light: Array, remaining: Array) -> Array:
    """Returns what remains of the light behind each splat of a chunk, [k, g, p]."""
    rank = jnp.arange(len(light))[:, None, None]
    for k in range(len(light)):
        remaining = remaining - jnp.where(rank >= k, light[k], 0.0)
    return remaining


def _shape_gradient(
    chunk: list[Array], power: Array, middle_x: Array, middle_y: Array
) -> list[Array]:
    """Returns the cotangents of u, v, a, b, c and log opacity, [UNROLL, LOCKSTEP] each.

    Args:
        chunk: see `_chunk_gradient`.
        power: cotangent of the log opacity at each pixel, [UNROLL, LOCKSTEP, PIXELS].
        middle_x: middles of the tiles, [LOCKSTEP]; `middle_y` likewise.
        middle_y: see `middle_x`.
    """
    u, v, a, b, c = chunk[:_LOG_OPACITY]
    moments = se3.matmul(power.reshape(-1, PIXELS), jnp.asarray(_MOMENTS))
    m, mx, my, mxx, mxy, myy = moments.T.reshape(-1, *u.shape)
    x, y = u - middle_x, v - middle_y
    sum_x, sum_y = x * m - mx, y * m - my
    return [
        -(a * sum_x + b * sum_y),
        -(b * sum_x + c * sum_y),
        -0.5 * (x * x * m - 2 * x * mx + mxx),
        -(x * y * m - x * my - y * mx + mxy),
        -0.5 * (y * y * m - 2 * y * my + myy),
        m,
    ]
