"""The normal equations of a pose in one walk: the render and its tangents together.

Each pixel carries its colour and transmittance with their derivatives by the six
parameters of a rigid motion, front to back (forward mode). Nothing but the sums over a
tile is ever written.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering import blending, constants, motion, normal_form, splat_table
from jaxsplat.rendering.motion import AXES, POSE, Tangents
from jaxsplat.rendering.normal_form import CHANNELS
from jaxsplat.rendering.pallas.launch import WHOLE, Bounds, Launch, Ref, Tile, aligned

WARPS = 1


def normal_equations(
    table: Float[Array, "n r"],
    tangents: Tangents,
    lists: Bounds,
    target: Float[Array, "t p 4"],
    settings: Float[Array, " c"],
    exposure: bool,
    launch: Launch,
) -> Float[Array, " s"]:
    """Returns the sums over the image's pixels of `normal_form.products`.

    Args:
        table: the splats' `splat_table.table`, colours relative to the background.
        tangents: how they move with the camera.
        lists: ids, starts and ends of the tile lists.
        target: the photograph's channels and the pixels' weights, by tile.
        settings: those of `normal_form.products`, then the background's channels.
        exposure: whether gain and offset are parameters too.
        launch: how to run.
    """
    terms = tangents.power.shape[2]
    moving, settings = motion.rows(tangents, settings, terms)
    count = normal_form.sums(normal_form.parameter_count(exposure))

    def kernel(
        tile: Tile,
        table: Ref,
        moving: Ref,
        target: Ref,
        settings: Ref,
        out: Ref,
    ) -> None:
        colored = tangents.tints is not None
        color, gradient, tinted = _walk(tile, table, moving, terms, colored)
        numbers = [settings[k] for k in range(normal_form.EXPOSURE + 1)]
        behind = normal_form.BACKGROUND
        background = [settings[k] for k in range(behind.start, behind.stop)]
        if colored:
            eye = [
                [settings[normal_form.EYE + AXES * k + axis] for axis in range(AXES)]
                for k in range(POSE)
            ]
            gradient = normal_form.with_tints(gradient, tinted, eye)
        found = normal_form.products(
            gradient,
            [value + behind for value, behind in zip(color, background)],
            [target[:, channel] for channel in range(CHANNELS)],
            target[:, CHANNELS],
            numbers,
            exposure,
        )
        for place, value in enumerate(found):
            out[place] = jnp.sum(value)

    per_tile = launch(
        kernel,
        (aligned(table), WHOLE),
        (aligned(moving), WHOLE),
        (target, launch.pixels(CHANNELS + 1)),
        (settings, WHOLE),
        lists=lists,
        out=((launch.tiles, count), launch.block(count)),
        warps=WARPS,
        name="normal_equations",
    )
    return jnp.sum(per_tile, axis=0)


def _walk(
    tile: Tile, table: Ref, moving: Ref, terms: int, colored: bool
) -> tuple[Sequence[Array], Sequence[Sequence[Array]], Sequence[Sequence[Array]]]:
    """Returns a tile's colour by channel, and derivatives by channel.

    The first are those by each parameter, without what colours change; the second, of
    the colours alone, those by each coordinate of the eye.

    Args:
        tile: which tile.
        table: records, [n, WIDTH].
        moving: tangents by row, [n, 6 terms] and, if `colored`, [n, 9] behind them.
        terms: coefficients of a power's tangent.
        colored: whether colours have tangents.
    """
    xs, ys = tile.pixel_centers()

    def blend(place: Array, splat: Array, state: tuple) -> tuple:
        transmittance, color, through, gradient, tinted = state
        u, v, p, q, r, log_opacity = (
            table[splat, k] for k in range(splat_table.LOG_OPACITY + 1)
        )
        emitted = [table[splat, splat_table.COLORS.start + k] for k in range(CHANNELS)]
        dx, dy = u - xs, v - ys
        alpha = blending.alpha(dx, dy, p, q, r, log_opacity)
        weight, transmittance = blending.advance(transmittance, alpha)
        # A finished pixel changes no more, and a clamped opacity does not move.
        alpha = jnp.where(weight > 0, alpha, 0.0)
        free = jnp.where(alpha < constants.ALPHA_MAX, weight, 0.0)
        through, gradient = list(through), [list(row) for row in gradient]
        for k in range(POSE):
            xx, xy, yy, x, y, *flat = (
                moving[splat, terms * k + t] for t in range(terms)
            )
            power = sum(flat, (yy * dy + y) * dy) + (xx * dx + x + xy * dy) * dx
            change = alpha * through[k] + free * power
            through[k] -= change
            for channel in range(CHANNELS):
                gradient[k][channel] += change * emitted[channel]
        tinted = [list(row) for row in tinted]
        for axis, row in enumerate(tinted):
            for channel in range(CHANNELS):
                column = POSE * terms + CHANNELS * axis + channel
                row[channel] += weight * moving[splat, column]
        color = tuple(c + weight * e for c, e in zip(color, emitted))
        derivatives = tuple(map(tuple, gradient)), tuple(map(tuple, tinted))
        return transmittance, color, tuple(through), *derivatives

    zero = jnp.zeros_like(xs)
    dark = (zero,) * CHANNELS
    nothing = dark, (zero,) * POSE, (dark,) * POSE, (dark,) * (AXES if colored else 0)
    _, (_, color, _, *derivatives) = tile.walk(blend, zero + 1, *nothing)
    return color, *derivatives
