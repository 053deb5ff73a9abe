"""The per-pixel arithmetic of compositing, one place for every backend."""

import jax.numpy as jnp
from jax import Array

from jaxsplat.render import constants


def falloff(
    dx: Array, dy: Array, a: Array, b: Array, c: Array
) -> tuple[Array, Array]:
    """Returns exp(power) and power of a splat at offset (dx, dy) from its centre.

    Args:
        dx: centre minus pixel along x, in pixels; `dy` along y.
        dy: see `dx`.
        a: conic entries; all arguments broadcast together.
        b: see `a`.
        c: see `a`.
    """
    power = -0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy
    return jnp.exp(power), power


def visible_alpha(raw: Array, power: Array) -> Array:
    """Returns the opacity that takes part: clamped, and 0 below one grey level.

    A positive power means that rounding made the conic indefinite; such a pixel is
    skipped, as in Kerbl's rasteriser.
    """
    alpha = jnp.minimum(raw, constants.ALPHA_MAX)
    seen = (alpha >= constants.ALPHA_MIN) & (power <= 0)
    return jnp.where(seen, alpha, 0.0)


def advance(transmittance: Array, alpha: Array) -> tuple[Array, Array]:
    """Returns the weight of one splat and the transmittance behind it.

    A pixel that would fall below `TRANSMITTANCE_MIN` is finished: this splat and all
    behind it weigh 0. The sign carries that state, so that it needs no second array:
    the magnitude of a negative value is the final transmittance.
    """
    weight = alpha * transmittance
    behind = transmittance - weight
    going = (transmittance > 0) & (behind >= constants.TRANSMITTANCE_MIN)
    stopped = -jnp.abs(transmittance)
    return jnp.where(going, weight, 0.0), jnp.where(going, behind, stopped)
