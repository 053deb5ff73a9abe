"""Losses of relative poses (RPE-PAD, equations 3, 4, 7 and 8)."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import safe

# Where the two weights of equation 3 begin. The paper does not say; these are those of
# Kendall and Cipolla 2017, who introduced them: quaternions differ by less than units.
START_ROTATION, START_TRANSLATION = -3.0, 0.0


class Weights(NamedTuple):
    """s_q and s_t of equation 3, which are learnt, one of each for all layers.

    Attributes:
        rotation: logarithm of the rotation loss's uncertainty.
        translation: of the translation loss's.
    """

    rotation: Float[Array, ""]
    translation: Float[Array, ""]


class Errors(NamedTuple):
    """L_q and L_t of equation 4.

    Attributes:
        rotation: distance of quaternions.
        translation: distance of translations in scene units.
    """

    rotation: Float[Array, "..."]
    translation: Float[Array, "..."]


def errors(
    quaternions: Float[Array, "*n 4"],
    translations: Float[Array, "*n 3"],
    true_quaternions: Float[Array, "*m 4"],
    true_translations: Float[Array, "*m 3"],
) -> Errors:
    """Returns the distances of equation 4, by broadcasting.

    The network's quaternions are compared as they are, not normalised: so their length
    is pulled to 1. The true ones have w >= 0, since q and -q are one rotation.
    """
    return Errors(
        safe.norm(quaternions - true_quaternions),
        safe.norm(translations - true_translations),
    )


def balanced(found: Errors, weights: Weights) -> Float[Array, "..."]:
    """Returns the loss L_R of equation 3."""
    rotation = found.rotation * jnp.exp(-weights.rotation) + weights.rotation
    shift = found.translation * jnp.exp(-weights.translation) + weights.translation
    return rotation + shift


def of_layers(layers: Float[Array, "layers ..."]) -> Float[Array, "..."]:
    """Returns L_N of equation 7: L_R of the coarse pose and of all refined ones."""
    return jnp.sum(layers, axis=0)


def pair_weights(pairs: int) -> Float[Array, " k"]:
    """Returns equation 8's weights of the K pairs, the most similar first.

    They are 2 (K + 1 - i) / (K (K + 1)) for i = 1 to K, and so add up to 1.
    """
    rank = jnp.arange(1, pairs + 1, dtype=jnp.float32)
    return 2 * (pairs + 1 - rank) / (pairs * (pairs + 1))
