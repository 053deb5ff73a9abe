"""The per-pixel arithmetic of compositing, one place for every backend.

The formulas end in their dearest operation (`exp2` here, the division in the XLA
backend's reverse pass): XLA keeps the result of such an operation in memory instead of
repeating it in each of its uses.
"""

import math

import jax.numpy as jnp
from jax import Array

from jaxsplat.rendering import constants

_LOG_ALPHA_MAX = math.log(constants.ALPHA_MAX)
_LOG_ALPHA_MIN = math.log(constants.ALPHA_MIN)
_LOG2_E = math.log2(math.e)


def alpha(
    dx: Array, dy: Array, p: Array, q: Array, r: Array, log_opacity: Array
) -> Array:
    """Returns the opacity of a splat at an offset from its centre (Kerbl, equation 2).

    It is clamped to `ALPHA_MAX`, and 0 below `ALPHA_MIN`. All arguments broadcast
    together.

    Args:
        dx: centre minus pixel along x, in pixels; `dy` along y.
        dy: see `dx`.
        p: first of the `Splats.factors`; `q` and `r` the others.
        q: see `p`.
        r: see `p`.
        log_opacity: logarithm of the peak opacity; -inf for none.
    """
    along, aside = p * dx + q * dy, r * dy
    exponent = log_opacity - 0.5 * (along * along + aside * aside)
    seen = exponent >= _LOG_ALPHA_MIN
    exponent = jnp.where(seen, jnp.minimum(exponent, _LOG_ALPHA_MAX), -jnp.inf)
    # GPUs have the power of two as one instruction, that of e as seven.
    return jnp.exp2(_LOG2_E * exponent)


def advance(transmittance: Array, alphas: Array) -> tuple[Array, Array]:
    """Returns the weight of one splat and the transmittance behind it.

    A pixel that would fall below `TRANSMITTANCE_MIN` is finished, as in Kerbl's
    rasteriser: this splat and all behind it weigh 0. Transmittance 0 marks that state;
    what a pixel lets through in the end is 1 minus the sum of its weights.
    """
    weight = alphas * transmittance
    behind = transmittance - weight
    going = behind >= constants.TRANSMITTANCE_MIN
    return jnp.where(going, weight, 0.0), jnp.where(going, behind, 0.0)
