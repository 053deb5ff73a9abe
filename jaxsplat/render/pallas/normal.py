"""The normal equations of a pose in one walk: the render and its tangents together.

Each pixel carries its colour and transmittance with their derivatives by the six
parameters of a rigid motion, front to back (forward mode). Nothing but the sums over a
tile is ever written.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.render import blending, constants, normal_form, records
from jaxsplat.render.motion import POSE, Tangents
from jaxsplat.render.normal_form import CHANNELS
from jaxsplat.render.pallas.launch import WHOLE, Bounds, Launch, Ref, Tile, aligned

WARPS = 2


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
        table: the splats' `records.table`, colours relative to the background.
        tangents: how they move with the camera.
        lists: ids, starts and ends of the tile lists.
        target: the photograph's channels and the pixels' weights, by tile.
        settings: those of `normal_form.products`, then the background's channels.
        exposure: whether gain and offset are parameters too.
        launch: how to run.
    """
    terms = tangents.power.shape[2]
    moving = [tangents.power.reshape(-1, POSE * terms)]
    if tangents.colors is not None:
        moving.append(tangents.colors.reshape(-1, POSE * CHANNELS))
    count = normal_form.sums(normal_form.parameter_count(exposure))

    def kernel(
        tile: Tile,
        table: Ref,
        moving: Ref,
        target: Ref,
        settings: Ref,
        out: Ref,
    ) -> None:
        colored = tangents.colors is not None
        color, gradient = _walk(tile, table, moving, terms, colored)
        numbers = [settings[k] for k in range(normal_form.EXPOSURE + 1)]
        background = [
            settings[normal_form.EXPOSURE + 1 + channel] for channel in range(CHANNELS)
        ]
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
        (aligned(jnp.concatenate(moving, axis=1)), WHOLE),
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
) -> tuple[Sequence[Array], Sequence[Sequence[Array]]]:
    """Returns a tile's colour by channel, and its derivatives by parameter and channel.

    Args:
        tile: which tile.
        table: records, [n, WIDTH].
        moving: tangents by row, [n, 6 terms] and, if `colored`, [n, 18] behind them.
        terms: coefficients of a power's tangent.
        colored: whether colours have tangents.
    """
    xs, ys = tile.pixel_centers()

    def blend(place: Array, splat: Array, state: tuple) -> tuple:
        transmittance, color, through, gradient = state
        u, v, p, q, r, log_opacity = (
            table[splat, k] for k in range(records.LOG_OPACITY + 1)
        )
        emitted = [table[splat, records.COLORS.start + k] for k in range(CHANNELS)]
        dx, dy = u - xs, v - ys
        alpha = blending.alpha(dx, dy, p, q, r, log_opacity)
        weight, transmittance = blending.advance(transmittance, alpha)
        # A finished pixel changes no more, and a clamped opacity does not move.
        alpha = jnp.where(weight > 0, alpha, 0.0)
        free = jnp.where(alpha < constants.ALPHA_MAX, weight, 0.0)
        along, aside = p * dx + q * dy, r * dy
        through, gradient = list(through), [list(row) for row in gradient]
        for k in range(POSE):
            dp, dq, shift, dr, shift_aside, *flat = (
                moving[splat, terms * k + t] for t in range(terms)
            )
            power = along * (dp * dx + dq * dy + shift) + aside * (
                dr * dy + shift_aside
            )
            power = sum(flat, power)
            change = alpha * through[k] + free * power
            through[k] -= change
            for channel in range(CHANNELS):
                gradient[k][channel] += change * emitted[channel]
                if colored:
                    column = POSE * terms + CHANNELS * k + channel
                    gradient[k][channel] += weight * moving[splat, column]
        color = tuple(c + weight * e for c, e in zip(color, emitted))
        return transmittance, color, tuple(through), tuple(map(tuple, gradient))

    zero = jnp.zeros_like(xs)
    nothing = ((zero,) * CHANNELS, (zero,) * POSE, ((zero,) * CHANNELS,) * POSE)
    _, (_, color, _, gradient) = tile.walk(blend, zero + 1, *nothing)
    return color, gradient
