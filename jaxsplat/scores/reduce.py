"""Scores of images, from their maps."""

import dataclasses

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.scores.blur import blur


@dataclasses.dataclass(frozen=True)
class Peak:
    """The highest value of the map, as published."""

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        return jnp.max(maps, axis=(1, 2))


@dataclasses.dataclass(frozen=True)
class TopShare:
    """The mean of the highest values of the map: one pixel alone decides nothing.

    The score looks at the map blurred once more: one that shows where a defect ends is
    too fine to tell whether there is one.

    Attributes:
        share: of the map's pixels that are averaged, in (0, 1].
        blur: standard deviation of the blur before that, of the shorter side.
    """

    share: float = 0.001
    blur: float = 0.0075

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        if self.blur:
            maps = blur(maps, self.blur * min(maps.shape[1:]))
        flat = maps.reshape(len(maps), -1)
        count = max(1, round(self.share * flat.shape[1]))
        return jnp.mean(lax.top_k(flat, count)[0], axis=1)
