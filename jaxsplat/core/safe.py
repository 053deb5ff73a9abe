"""Operations whose value and gradient stay finite at the edge of their domain.

Each uses the double-`where` pattern: the argument is replaced before the operation, so
that reverse mode never multiplies a zero cotangent by an infinite derivative.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def norm(x: Float[Array, "... c"], axis: int = -1) -> Float[Array, "..."]:
    """Returns the Euclidean norm along `axis`, with gradient 0 at the zero vector."""
    squared = jnp.sum(x * x, axis=axis)
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), 0.0)


def divide(
    numerator: Float[Array, "..."], denominator: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Returns numerator / denominator, and 0 where the denominator is 0."""
    nonzero = denominator != 0
    quotient = _quotient(numerator, jnp.where(nonzero, denominator, 1.0))
    return jnp.where(nonzero, quotient, 0.0)


def normalize(x: Float[Array, "... c"]) -> Float[Array, "... c"]:
    """Returns x scaled to unit length along the last axis; the zero vector stays 0."""
    return divide(x, norm(x)[..., None])


@jax.custom_jvp
def _quotient(
    numerator: Float[Array, "..."], denominator: Float[Array, "..."]
) -> Float[Array, "..."]:
    return numerator / denominator


@_quotient.defjvp
def _quotient_jvp(
    primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    # JAX's own rule has the factor denominator**-2, which below 1e-19 is infinite and
    # makes NaN of a zero numerator.
    quotient = primals[0] / primals[1]
    return quotient, (tangents[0] - quotient * tangents[1]) / primals[1]
