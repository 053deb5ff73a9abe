"""Which two of all keypoints of two images belong together, and how sure that is."""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat.matchers.records import Matches

HIDDEN = -1e9  # logarithm of what a hidden keypoint counts; finite, so that no NaN is


def dual_softmax(
    similarity: Float[Array, "*b n m"], real: Bool[Array, "*b n m"]
) -> Float[Array, "*b n m"]:
    """Returns the logarithm of how likely both choose each other among all.

    Args:
        similarity: logits of the choice.
        real: pairs that can be chosen. Others are hidden.
    """
    similarity = jnp.where(real, similarity, HIDDEN)
    both = jax.nn.log_softmax(similarity, axis=-1)
    both = both + jax.nn.log_softmax(similarity, axis=-2)
    return jnp.where(real, both, HIDDEN)


def mutual(logarithms: Float[Array, "*b n m"], threshold: float) -> Matches:
    """Returns the pairs that are each other's best.

    Args:
        logarithms: of the score of every two keypoints.
        threshold: of the score; what is not above it is no match.
    """
    of_first = jnp.argmax(logarithms, axis=-1).astype(jnp.int32)
    of_second = jnp.argmax(logarithms, axis=-2).astype(jnp.int32)
    back = jnp.take_along_axis(of_second, of_first, axis=-1)
    is_mutual = back == jnp.arange(logarithms.shape[-2], dtype=jnp.int32)
    best = jnp.max(logarithms, axis=-1)
    matched = is_mutual & (best > math.log(threshold))
    return Matches(
        jnp.where(matched, of_first, -1), jnp.where(matched, jnp.exp(best), 0.0)
    )
