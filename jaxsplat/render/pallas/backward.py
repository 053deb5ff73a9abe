"""The reverse pass of compositing: a row of gradients for every pair, then their sum.

The walk goes front to back again: the light behind a splat is the total minus what has
been composited so far, so nothing but the image is kept from the forward pass.
"""

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.render import blending, constants, records
from jaxsplat.render.pallas.launch import WHOLE, Bounds, Launch, Ref, Tile, aligned

WARPS = 1


def backward(
    table: Float[Array, "n r"],
    lists: Bounds,
    image: Float[Array, "t p 5"],
    cotangent: Float[Array, "t p 5"],
    launch: Launch,
) -> Float[Array, "n r"]:
    """Returns the cotangent of the splats' records.

    Each program writes the sums over its pixels into rows of its own; XLA adds up the
    rows of a splat. That sum is the only thing whose order a GPU may choose;
    `XLA_FLAGS=--xla_gpu_deterministic_ops=true` fixes it.

    Args:
        table: the splats' `records.table`.
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
        (image, launch.pixels(records.CHANNELS)),
        (cotangent, launch.pixels(records.CHANNELS)),
        lists=lists,
        out=((m, records.WIDTH), WHOLE),
        warps=WARPS,
        name="composite_reverse",
    )
    # No program writes the rows behind the last list.
    listed = jnp.arange(m)[:, None] < ends[-1]
    return jnp.zeros_like(table).at[ids].add(jnp.where(listed, rows, 0.0))


def _kernel(tile: Tile, table: Ref, image: Ref, cotangent: Ref, rows: Ref) -> None:
    xs, ys = tile.pixel_centers()
    pull = [cotangent[:, channel] for channel in range(records.CHANNELS)]
    # The light that reaches a pixel, weighted by the cotangent.
    light = sum(
        image[:, channel] * pull[channel] for channel in range(records.CHANNELS)
    )

    def blend(place: Array, splat: Array, state: tuple) -> tuple:
        transmittance, remaining = state
        u, v, p, q, r, log_opacity, *channels = (
            table[splat, column] for column in range(records.WIDTH)
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
        for column in range(records.WIDTH):
            rows[place, column] = jnp.float32(0)
        return none

    lax.fori_loop(stopped, tile.last, clear, ())
