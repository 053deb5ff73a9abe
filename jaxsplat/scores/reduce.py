"""Scores of images, from their maps."""

import dataclasses

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float


@dataclasses.dataclass(frozen=True)
class Peak:
    """The highest value of the map, as published."""

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        return jnp.max(maps, axis=(1, 2))


@dataclasses.dataclass(frozen=True)
class TopShare:
    """The mean of the highest values of the map: one pixel alone decides nothing.

    Attributes:
        share: of the map's pixels that are averaged, in (0, 1].
    """

    share: float = 0.001

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        flat = maps.reshape(len(maps), -1)
        count = max(1, round(self.share * flat.shape[1]))
        return jnp.mean(lax.top_k(flat, count)[0], axis=1)
