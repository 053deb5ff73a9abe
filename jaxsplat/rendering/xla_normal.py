"""The normal equations of a pose in plain XLA, laid out for CPUs (see `lockstep`).

Two walks: the first composites the image; the second knows the light behind each splat
as the total minus what has been composited so far, so a pixel's derivatives by the
powers of its splats need no derivative of the transmittance. What the Pallas kernel
does in one walk with few registers is here cheap in few arrays.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import se3
from jaxsplat.rendering import (
    constants,
    lockstep,
    motion,
    normal_form,
    splat_table,
    tiling,
)
from jaxsplat.rendering.motion import AXES, POSE, TERMS, Tangents
from jaxsplat.rendering.normal_form import CHANNELS
from jaxsplat.rendering.xla import composite_tiles


def normal_equations(
    table: Float[Array, "n r"],
    tangents: Tangents,
    lists: tuple[Array, Array, Array],
    target: Float[Array, "4 h w"],
    settings: Float[Array, " c"],
    exposure: bool,
) -> Float[Array, " s"]:
    """Returns what `pallas.normal.normal_equations` returns."""
    _, height, width = target.shape
    moving, settings = motion.rows(tangents, settings, TERMS)
    corners = jnp.asarray(lockstep.corners(width, height))
    image = composite_tiles(table, *lists, corners)

    @lockstep.join_tiles
    def sums(table: Array, *tiled: Array) -> Array:
        return _sums(exposure, table, *tiled)

    per_tile = sums(
        jnp.concatenate([table, moving], axis=1),
        *lists,
        corners,
        image[:, :CHANNELS],
        tiling.cut(target),
        jnp.broadcast_to(settings, (len(corners), len(settings))),
    )
    return jnp.sum(per_tile, axis=0)


def _sums(
    exposure: bool,
    table: Array,
    ids: Array,
    starts: Array,
    ends: Array,
    corners: Array,
    image: Array,
    target: Array,
    settings: Array,
) -> Array:
    """Returns each tile's sums over its pixels, [t, s].

    Args:
        exposure: see `normal_equations`.
        table: records, then tangents, by row.
        ids: of the lists; `starts` and `ends` likewise.
        starts: see `ids`.
        ends: see `ids`.
        corners: of the tiles, [t, 2].
        image: the render relative to the background, [t, 3, PIXELS].
        target: photograph and weights, [t, 4, PIXELS].
        settings: of each tile's image, [t, 10 or 28].
    """

    def of_group(tiles: Array) -> Array:
        color = jnp.moveaxis(lockstep.take(image, tiles), 1, 0)
        lists = ids, starts, ends
        gradient, tinted = _derivatives(table, *lists, corners, tiles, color)
        numbers = lockstep.take(settings, tiles).T[:, :, None]
        background = numbers[normal_form.BACKGROUND]
        if tinted:
            eye = numbers[normal_form.EYE :].reshape(POSE, AXES, -1, 1)
            by_parameter = [list(moves) for moves in eye]
            gradient = normal_form.with_tints(gradient, tinted, by_parameter)
        wanted = jnp.moveaxis(lockstep.take(target, tiles), 1, 0)
        found = normal_form.products(
            gradient,
            list(color + background),
            list(wanted[:CHANNELS]),
            wanted[CHANNELS],
            list(numbers[: normal_form.EXPOSURE + 1]),
            exposure,
        )
        return jnp.stack([jnp.sum(value, axis=-1) for value in found], axis=-1)

    groups = lockstep.group_tiles(starts, ends)
    return lockstep.ungroup_tiles(lax.map(of_group, groups), groups, len(starts))


def _derivatives(
    table: Array,
    ids: Array,
    starts: Array,
    ends: Array,
    corners: Array,
    tiles: Array,
    color: Array,
) -> tuple[Sequence[Sequence[Array]], Sequence[Sequence[Array]]]:
    """Returns a group's derivatives by channel, [LOCKSTEP, PIXELS] each.

    The first are those by each parameter, without what colours change; the second, of
    the colours alone, those by each coordinate of the eye.

    Args:
        table: see `_sums`, and there for the next four.
        ids: see `table`.
        starts: see `table`.
        ends: see `table`.
        corners: see `table`.
        tiles: the group.
        color: its render relative to the background, [3, LOCKSTEP, PIXELS].
    """
    xs, ys = lockstep.pixel_centers(corners, tiles)
    middles = jnp.mean(xs, axis=1), jnp.mean(ys, axis=1)
    first, last, longest = lockstep.list_bounds(starts, ends, tiles)
    colored = table.shape[1] > splat_table.WIDTH + POSE * TERMS

    def going(state: tuple) -> Array:
        return lockstep.unfinished(state[0], longest, state[1])

    def body(state: tuple) -> tuple:
        step, transmittance, remaining, gradient, tinted = state
        chunk, _ = lockstep.next_chunk(table, ids, first, last, step)
        alphas = lockstep.chunk_alphas(chunk, xs, ys)
        weights, behind = lockstep.chunk_weights(alphas, transmittance)
        moves = (weights > 0) & (alphas < constants.ALPHA_MAX)
        pulls, rest = [], []
        for channel in range(CHANNELS):
            emitted = chunk[splat_table.COLORS][channel][..., None]
            # The weight times what the splat emits, kept in memory by its division.
            light = alphas * behind * emitted / (1 - alphas)
            after = lockstep.chunk_remaining(light, remaining[channel])
            rest.append(after[-1])
            # What the splat adds at this depth minus what it takes from all behind it.
            opaque = light * (1 - alphas) - alphas * after
            pulls.append(jnp.where(moves, opaque, 0.0) / (1 - alphas))
        power = _powers(chunk, *middles)
        rows = []
        for k in range(POSE):
            row = []
            for channel in range(CHANNELS):
                terms = [pulls[channel][j] * power[k, j] for j in range(len(alphas))]
                row.append(gradient[k][channel] + sum(terms[1:], terms[0]))
            rows.append(tuple(row))
        tints = []
        for axis, by_channel in enumerate(tinted):
            row = []
            for channel, value in enumerate(by_channel):
                column = splat_table.WIDTH + POSE * TERMS + CHANNELS * axis + channel
                tint = chunk[column][..., None]
                terms = [weights[j] * tint[j] for j in range(len(alphas))]
                row.append(value + sum(terms[1:], terms[0]))
            tints.append(tuple(row))
        step += lockstep.UNROLL
        return step, behind[-1], tuple(rest), tuple(rows), tuple(tints)

    zero = jnp.zeros_like(xs)
    dark = (zero,) * CHANNELS
    nothing = (dark,) * POSE, (dark,) * (AXES if colored else 0)
    state = (jnp.int32(0), zero + 1, tuple(color), *nothing)
    return lax.while_loop(going, body, state)[3:]


def _powers(
    chunk: list[Array], middle_x: Array, middle_y: Array
) -> Float[Array, "6 k g p"]:
    """Returns the tangents of a chunk's powers at each pixel, by parameter.

    Their polynomials of the splat's offset from the pixel are written about the tile's
    middle, and all are evaluated in one matrix product.

    Args:
        chunk: table entries, arrays [UNROLL, LOCKSTEP].
        middle_x: middles of the tiles, [LOCKSTEP]; `middle_y` likewise.
        middle_y: see `middle_x`.
    """
    x, y = chunk[0] - middle_x, chunk[1] - middle_y
    columns = chunk[splat_table.WIDTH : splat_table.WIDTH + POSE * TERMS]
    entries = jnp.stack(columns).reshape(POSE, TERMS, *x.shape)
    xx, xy, yy, along_x, along_y, flat = jnp.moveaxis(entries, 1, 0)
    # Of the pixel's offset from the middle: 1, x, y, x^2, xy, y^2.
    coefficients = [
        flat + x * (along_x + x * xx + y * xy) + y * (along_y + y * yy),
        -(along_x + 2 * x * xx + y * xy),
        -(along_y + 2 * y * yy + x * xy),
        xx,
        xy,
        yy,
    ]
    stacked = jnp.stack(coefficients, axis=-1).reshape(-1, TERMS)
    values = se3.matmul(stacked, jnp.asarray(lockstep.MONOMIALS).T)
    return values.reshape(POSE, *x.shape, lockstep.PIXELS)
