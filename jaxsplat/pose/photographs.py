"""Photographs as coarse finders and solvers take them."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Photographs:
    """A batch of photographs of one size.

    Attributes:
        images: RGB in [0, 1], [b, h, w, 3].
        plain: whether nothing but one colour, that of most of the border, stands behind
            the object. Else the surroundings are unknown and take no part, [b].
    """

    images: Float[Array, "*b h w 3"]
    plain: Bool[Array, " *b"]


def on_plain(images: Float[Array, "b h w 3"]) -> Photographs:
    """Returns photographs of an object before a plain background."""
    images = jnp.asarray(images)
    return Photographs(images, jnp.ones(images.shape[0], bool))


def anywhere(images: Float[Array, "b h w 3"]) -> Photographs:
    """Returns photographs of an object before anything at all."""
    images = jnp.asarray(images)
    return Photographs(images, jnp.zeros(images.shape[0], bool))
