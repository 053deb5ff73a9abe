"""Feature distances that forgive what is shifted by a little.

What is left of pose, outline and fit errors moves an edge by a pixel or two. Compared
in place, every edge and every grain of the material then counts as different; compared
with the most similar cell of a small neighbourhood, it does not, while what the twin
shows nowhere near stays as different as it is.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, PRNGKeyArray

from jaxsplat import features
from jaxsplat.core import precision, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.features import FeatureNetwork
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.scores.blur import blur

# Training views that tell how large distances usually are, at most.
_MOST_VIEWS = 16
# Of what is usual: added, so that no level tells of defects by being near 0.
_FLOOR = 0.05
# Standard deviation of the blur, of the shorter side.
_BLUR = 0.01


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class UsualDistances:
    """What distances are measured by.

    Attributes:
        network: that gives the features.
        usual: mean distance on the good object, of each level, [levels].
    """

    network: FeatureNetwork
    usual: Float[Array, " levels"]


@dataclasses.dataclass(frozen=True)
class NearbyDistance:
    """Squared feature distance, the least nearby, in multiples of what is usual.

    The levels are joined by their geometric mean.

    Attributes:
        network: name of the feature network, see `features.load_network`.
        network_file: its weights; those that come with the package when None.
        side: pixels of the shorter side at which images are compared.
        radius: cells of each level on either side that are looked at.
    """

    network: str = "efficientnet_lite0"
    network_file: str | None = None
    side: int = 224
    radius: int = 1

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> UsualDistances:
        """Reads the network and measures good views; see `parts.Compare`."""
        del key
        network = features.load_network(self.network, self.network_file)
        chosen = views[:: -(-len(views) // _MOST_VIEWS)]
        behind = np.asarray(twin.background)
        photographs = np.stack([over_background(view, behind) for view in chosen])
        usual = self._usual(network, twin, posed_cameras(chosen), photographs)
        return UsualDistances(network, usual)

    def __call__(
        self,
        twin: Twin,
        state: UsualDistances,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns the maps; see `parts.Compare`."""
        del twin, estimate
        photographs, expected = precision.single((photographs, expected))
        found = self._distances(state.network, photographs, expected)
        ratios = found / jnp.maximum(state.usual, 1e-12)[:, None, None, None]
        joined = jnp.exp(jnp.mean(jnp.log(ratios + _FLOOR), axis=0))
        finite = jnp.isfinite(photographs) & jnp.isfinite(expected)
        whole = jnp.all(finite, axis=(1, 2, 3))[:, None, None]
        return jnp.where(whole, blur(joined, _BLUR * self.side), jnp.nan)

    @functools.partial(jax.jit, static_argnames="self")
    def _usual(
        self,
        network: FeatureNetwork,
        twin: Twin,
        cameras: Camera,
        photographs: Float[Array, "v h w 3"],
    ) -> Float[Array, " levels"]:
        """Returns the mean distance of good views on the object, by level."""

        def one(view: tuple[Camera, Array]) -> Array:
            camera, photograph = view
            drawn = look(twin, camera, twin.background)
            shown = jnp.clip(drawn.color, 0.0, 1.0)
            found = self._distances(network, photograph[None], shown[None])[:, 0]
            covered = resampling.area_resize(
                drawn.alpha[None, ..., None], *found.shape[1:]
            )
            total = jnp.sum(found * covered[..., 0], axis=(1, 2))
            return total / jnp.maximum(jnp.sum(covered), 1.0)

        return jnp.mean(lax.map(one, (cameras, photographs)), axis=0)

    def _distances(
        self,
        network: FeatureNetwork,
        seen: Float[Array, "b h w 3"],
        known: Float[Array, "b h w 3"],
    ) -> Float[Array, "levels b h2 w2"]:
        """Returns the distance of each level, at the size that images are compared."""
        shorter = min(seen.shape[1:3])
        size = tuple(round(n * self.side / shorter) for n in seen.shape[1:3])
        both = jnp.concatenate([seen, known])
        both = jax.image.resize(both, (len(both), *size, 3), "linear")
        levels = features.extract(network, both)
        count = len(seen)
        nearest = [
            nearest_distance(level[:count], level[count:], self.radius)
            for level in levels
        ]
        shape = (count, *size)
        return jnp.stack([jax.image.resize(x, shape, "linear") for x in nearest])


def nearest_distance(
    seen: Float[Array, "b h w c"], known: Float[Array, "b h w c"], radius: int
) -> Float[Array, "b h w"]:
    """Returns the least squared distance of each cell to those around it.

    Args:
        seen: features, whose every cell is compared.
        known: features that it is compared with.
        radius: cells on either side; 0 compares in place. Beyond the border the
            outermost go on.
    """
    height, width = seen.shape[1:3]
    around = [(0, 0), (radius, radius), (radius, radius), (0, 0)]
    padded = jnp.pad(known, around, mode="edge")
    side = 2 * radius + 1

    def nearer(least: Array, shift: Array) -> tuple[Array, None]:
        row, column = jnp.divmod(shift, side)
        shifted = lax.dynamic_slice_in_dim(padded, row, height, 1)
        shifted = lax.dynamic_slice_in_dim(shifted, column, width, 2)
        return jnp.minimum(least, jnp.sum((seen - shifted) ** 2, axis=-1)), None

    far = jnp.full(seen.shape[:3], jnp.inf, seen.dtype)
    return lax.scan(nearer, far, jnp.arange(side * side, dtype=jnp.int32))[0]
