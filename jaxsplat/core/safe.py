"""Operations whose value and gradient stay finite at the edge of their domain.

Each uses the double-`where` pattern: the argument is replaced before the operation, so
that reverse mode never multiplies a zero cotangent by an infinite derivative.
"""

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
    return jnp.where(nonzero, numerator / jnp.where(nonzero, denominator, 1.0), 0.0)


def normalize(x: Float[Array, "... c"]) -> Float[Array, "... c"]:
    """Returns x scaled to unit length along the last axis; the zero vector stays 0."""
    return divide(x, norm(x)[..., None])
