"""IGSPAD's distance: the angle between features, place by place."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat import features
from jaxsplat.core.precision import single
from jaxsplat.errors import ConfigError
from jaxsplat.features import FeatureNetwork
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.compare import ByNetwork
from jaxsplat.scores.finite import nan_unless_finite

_LEAST = 1e-12  # of the product of two squared norms


@dataclasses.dataclass(frozen=True)
class CosineDistance(ByNetwork):
    """One minus the cosine of features (IGSPAD, equation 5), upsampled to the image.

    The paper's encoder has one level; of several the mean is taken.
    """

    def __call__(
        self,
        twin: Twin,
        state: FeatureNetwork,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns the maps; see `parts.Compare`."""
        del twin, estimate
        return cosine_maps(state, photographs, expected)

    def level_names(self, state: FeatureNetwork) -> tuple[str, ...]:
        """Returns the names of its levels; see `parts.ComparesByLevel`."""
        return features.level_names(state)

    def level_maps(
        self,
        twin: Twin,
        state: FeatureNetwork,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b levels map_h map_w"]:
        """Returns what the mean is of; see `parts.ComparesByLevel`."""
        del twin, estimate
        return jnp.stack(_of_levels(state, photographs, expected), axis=1)


@jax.jit
def cosine_maps(
    network: FeatureNetwork,
    photographs: Float[Array, "b h w 3"],
    expected: Float[Array, "b h w 3"],
) -> Float[Array, "b h w"]:
    """Returns the maps, at the photographs' size, NaN where one is not finite."""
    found = _of_levels(network, photographs, expected)
    mean = sum(found[1:], found[0]) / len(found)
    return nan_unless_finite(mean, photographs, expected)


def _of_levels(
    network: FeatureNetwork,
    photographs: Float[Array, "b h w 3"],
    expected: Float[Array, "b h w 3"],
) -> list[Float[Array, "b h w"]]:
    photographs, expected = single((photographs, expected))
    count, height, width = photographs.shape[:3]
    levels = features.extract(network, jnp.concatenate([photographs, expected]))
    return [
        jax.image.resize(
            1 - cosine(level[:count], level[count:]), (count, height, width), "linear"
        )
        for level in levels
    ]


def cosine(
    first: Float[Array, "*b c"], second: Float[Array, "*b c"]
) -> Float[Array, " *b"]:
    """Returns the cosine of the angle between vectors; of two that are zero it is 1."""
    product = jnp.sum(first * second, axis=-1)
    squares = jnp.sum(first**2, axis=-1) * jnp.sum(second**2, axis=-1)
    found = product * lax.rsqrt(jnp.maximum(squares, _LEAST))
    return jnp.where(squares > _LEAST, found, jnp.float32(1))


@dataclasses.dataclass(frozen=True)
class PooledPeak:
    """The highest mean over a window of the map (IGSPAD, equation 6).

    Attributes:
        window: its side as a share of the map's shorter one; the paper does not say.
    """

    window: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.window <= 1:
            raise ConfigError(
                f"window: found {self.window}, expected a share above 0 up to 1"
            )

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the scores; see `parts.Score`."""
        side = max(1, round(self.window * min(maps.shape[1:])))
        sums = lax.reduce_window(
            maps, jnp.float32(0), lax.add, (1, side, side), (1, 1, 1), "VALID"
        )
        return jnp.max(sums, axis=(1, 2)) / side**2
