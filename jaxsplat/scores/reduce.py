"""Scores of images, from their maps."""

import dataclasses

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class Peak:
    """The highest value of the map, as published."""

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        return jnp.max(maps, axis=(1, 2))
