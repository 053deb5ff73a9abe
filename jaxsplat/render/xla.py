"""Portable compositing in plain XLA, laid out for CPUs: many small tiles in lockstep.

XLA runs each step of a loop as separate small kernels, so one tile at a time would spend
its time on starting kernels. Tiles are therefore ordered by list length and composited
`LOCKSTEP` at a time. Tiles stand on the minor axis: loads of per-splat values are then
contiguous, and sums over a tile's pixels need no reordering of floating-point additions,
so both vectorise.

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

from jaxsplat.render import binning, blending, constants
from jaxsplat.render.binning import TileLists
from jaxsplat.render.projection import Splats

LOCKSTEP = 64  # tiles composited together
UNROLL = 4  # splats of each tile per loop step
PIXELS = constants.TILE**2
CHANNELS = 5  # red, green, blue, depth, coverage

# Rows of the record table: u, v, conic a, b, c, log opacity, red, green, blue, depth.
_RECORD = 10
_LOG_OPACITY = 5
_COLORS = slice(6, 10)


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
    corners = np.indices((tiles_y, tiles_x)).reshape(2, -1)[::-1] * constants.TILE
    tiles = _composite(
        _records(splats),
        lists.ids,
        lists.starts,
        lists.ends,
        jnp.asarray(corners, jnp.float32),
    )
    side = constants.TILE
    image = tiles.reshape(CHANNELS, side, side, tiles_y, tiles_x)
    image = image.transpose(0, 3, 1, 4, 2)
    image = image.reshape(CHANNELS, tiles_y * side, tiles_x * side)
    return image[:, :height, :width]


@jax.custom_vjp
def _composite(
    records: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    """Returns [5, PIXELS, t] from records [n, 10] and lists; corners are [2, t]."""
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
    tile on the last axis. Each group of tiles can then come from any image, and images
    do not wait for one another.
    """
    batched = custom_vmap(function)

    @batched.def_vmap
    def rule(size: int, in_batched: list[bool], *inputs: Array) -> tuple[Array, bool]:
        records, ids, starts, ends, *tiled = (
            x if is_batched else jnp.broadcast_to(x, (size, *x.shape))
            for x, is_batched in zip(inputs, in_batched, strict=True)
        )
        image = jnp.arange(size, dtype=jnp.int32)[:, None]
        output = batched(
            records.reshape(-1, _RECORD),
            (ids + image * records.shape[1]).reshape(-1),
            (starts + image * ids.shape[1]).reshape(-1),
            (ends + image * ids.shape[1]).reshape(-1),
            *(jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], -1) for x in tiled),
        )
        if output.shape[-1] == _RECORD:
            return output.reshape(size, -1, _RECORD), True
        output = output.reshape(*output.shape[:-1], size, -1)
        return jnp.moveaxis(output, -2, 0), True

    return batched


def _groups(starts: Array, ends: Array) -> Array:
    """Returns tile indices [groups, LOCKSTEP], longest lists first.

    Places after the last tile hold the number of tiles, an index outside.
    """
    tiles = starts.shape[0]
    order = jnp.argsort(starts - ends, stable=True).astype(jnp.int32)
    order = jnp.pad(order, (0, -tiles % LOCKSTEP), constant_values=tiles)
    return order.reshape(-1, LOCKSTEP)


def _take(values: Array, tiles: Array, fill: float = 0) -> Array:
    return jnp.take(values, tiles, axis=-1, mode="fill", fill_value=fill)


def _pixels(corners: Array, tiles: Array) -> tuple[Array, Array]:
    """Returns x and y of the pixel centres, [PIXELS, LOCKSTEP] each."""
    inside = np.indices((constants.TILE, constants.TILE)).reshape(2, PIXELS, 1) + 0.5
    x0, y0 = _take(corners, tiles)
    return jnp.float32(inside[1]) + x0, jnp.float32(inside[0]) + y0


def _chunk(
    table: Array, ids: Array, first: Array, last: Array, step: Array
) -> tuple[Array, Array]:
    """Returns the next records [10, UNROLL, LOCKSTEP] and their splats' indices."""
    pairs = first + step + jnp.arange(UNROLL, dtype=jnp.int32)[:, None]
    splats = jnp.take(ids, pairs, mode="clip")
    chunk = jnp.take(table, splats, axis=1, mode="clip")
    log_opacity = jnp.where(pairs < last, chunk[_LOG_OPACITY], -jnp.inf)
    return chunk.at[_LOG_OPACITY].set(log_opacity), splats


def _alphas(chunk: Array, xs: Array, ys: Array) -> Array:
    """Returns the opacity of each splat at each pixel, [UNROLL, PIXELS, LOCKSTEP]."""
    u, v, *shape = chunk[: _LOG_OPACITY + 1, :, None, :]
    return blending.alpha(u - xs, v - ys, *shape)


@_flat_batch
def _forward(
    records: Array, ids: Array, starts: Array, ends: Array, corners: Array
) -> Array:
    table = records.T

    def composite_group(tiles: Array) -> Array:
        xs, ys = _pixels(corners, tiles)
        first, last = _take(starts, tiles), _take(ends, tiles)
        longest = jnp.max(last - first)

        def going(state: tuple) -> Array:
            step, transmittance, _ = state
            return (step < longest) & jnp.any(transmittance > 0)

        def body(state: tuple) -> tuple:
            step, transmittance, image = state
            chunk, _ = _chunk(table, ids, first, last, step)
            alphas = _alphas(chunk, xs, ys)
            channels = list(image)
            for k in range(UNROLL):
                weight, transmittance = blending.advance(transmittance, alphas[k])
                for channel, color in enumerate(chunk[_COLORS, k]):
                    channels[channel] += weight * color
                channels[-1] += weight
            return step + UNROLL, transmittance, tuple(channels)

        zero = jnp.zeros((PIXELS, LOCKSTEP))
        state = (jnp.int32(0), jnp.ones_like(zero), (zero,) * CHANNELS)
        return jnp.stack(lax.while_loop(going, body, state)[2])

    groups = _groups(starts, ends)
    images = lax.map(composite_group, groups)
    return _scatter_tiles(images, groups, starts.shape[0])


def _scatter_tiles(images: Array, groups: Array, tiles: int) -> Array:
    """Returns [5, PIXELS, t] from per-group images [groups, 5, PIXELS, LOCKSTEP]."""
    images = jnp.moveaxis(images, 0, 2).reshape(CHANNELS, PIXELS, -1)
    place = jnp.zeros(tiles, jnp.int32)
    place = place.at[groups.reshape(-1)].set(
        jnp.arange(groups.size, dtype=jnp.int32), mode="drop"
    )
    return images[..., place]


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
    table = records.T
    # The light that reaches a pixel, weighted by the cotangent.
    total = jnp.sum(output * cotangent, axis=0)

    def accumulate_group(gradient: Array, tiles: Array) -> tuple[Array, None]:
        xs, ys = _pixels(corners, tiles)
        first, last = _take(starts, tiles), _take(ends, tiles)
        longest = jnp.max(last - first)
        pull = _take(cotangent, tiles)
        light = _take(total, tiles)

        def going(state: tuple) -> Array:
            step, transmittance, _, _ = state
            return (step < longest) & jnp.any(transmittance > 0)

        def body(state: tuple) -> tuple:
            step, transmittance, remaining, gradient = state
            chunk, splats = _chunk(table, ids, first, last, step)
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
    chunk: Array,
    xs: Array,
    ys: Array,
    transmittance: Array,
    remaining: Array,
    pull: Array,
) -> tuple[Array, Array, Array]:
    """Returns the records' cotangents [10, UNROLL, LOCKSTEP] and the next state.

    Args:
        chunk: records [10, UNROLL, LOCKSTEP].
        xs: pixel centres [PIXELS, LOCKSTEP]; `ys` likewise.
        ys: see `xs`.
        transmittance: in front of the chunk, [PIXELS, LOCKSTEP].
        remaining: cotangent-weighted light from the chunk to infinity.
        pull: cotangent of the output, [5, PIXELS, LOCKSTEP].
    """
    u, v, a, b, c = chunk[:_LOG_OPACITY]
    alphas = _alphas(chunk, xs, ys)
    rows = []
    for k in range(UNROLL):
        emitted = pull[-1] + sum(
            color * pull[channel] for channel, color in enumerate(chunk[_COLORS, k])
        )
        weight, behind = blending.advance(transmittance, alphas[k])
        remaining = remaining - weight * emitted
        # d light / d power: what the splat adds at this depth minus what it takes from
        # all behind it. A clamped opacity does not move.
        moves = (weight > 0) & (alphas[k] < constants.ALPHA_MAX)
        lifted = jnp.where(moves, alphas[k] * (behind * emitted - remaining), 0.0)
        power = lifted / (1 - alphas[k])
        transmittance = behind
        dx, dy = u[k] - xs, v[k] - ys
        sum_x, sum_y = jnp.sum(power * dx, axis=0), jnp.sum(power * dy, axis=0)
        sums = [
            -(a[k] * sum_x + b[k] * sum_y),
            -(b[k] * sum_x + c[k] * sum_y),
            -0.5 * jnp.sum(power * dx * dx, axis=0),
            -jnp.sum(power * dx * dy, axis=0),
            -0.5 * jnp.sum(power * dy * dy, axis=0),
            jnp.sum(power, axis=0),
            *(jnp.sum(weight * pull[channel], axis=0) for channel in range(4)),
        ]
        rows.append(jnp.stack(sums))
    return jnp.stack(rows, axis=1), transmittance, remaining
