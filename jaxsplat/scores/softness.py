"""Where a fit is soft: what good views differ by there, as one number a Gaussian."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.scores import levels
from jaxsplat.scores.expected import ExpectedDistances


def softness(state: ExpectedDistances) -> Float[Array, " n"]:
    """Returns the residual that is expected of each Gaussian, in multiples of the mean.

    The levels are joined as in the comparison, by their weighted geometric mean.

    Args:
        state: what good views told.
    """
    ratios = state.painted / jnp.maximum(state.usual, 1e-12)
    weights = levels.weights(ratios.shape[1])
    return jnp.exp(jnp.sum(jnp.log(jnp.maximum(ratios, 1e-12)) * weights, axis=1))
