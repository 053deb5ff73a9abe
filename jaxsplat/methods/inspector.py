"""What inspection methods have in common: starts, refinement, comparison, timing."""

import abc
import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import features, pose
from jaxsplat.methods import twin as twins
from jaxsplat.methods.twin import Twin
from jaxsplat.scores import splatpose as scores


@dataclasses.dataclass(frozen=True)
class Inspected:
    """What the method finds for a batch of `b` photographs.

    Attributes:
        estimate: the poses.
        renders: the good twin at those poses, [b, h, w, 3].
        maps: raw anomaly maps, [b, map_h, map_w].
        seconds: of the whole batch, by stage: coarse, refine, features.
    """

    estimate: pose.PoseEstimate
    renders: Float[np.ndarray, "b h w 3"]
    maps: Float[np.ndarray, "b map_h map_w"]
    seconds: dict[str, float]


class Inspector(abc.ABC):
    """A method for one object; every call has the same shapes, so compiles once.

    Attributes:
        batch: photographs inspected together.
    """

    def __init__(
        self, twin: Twin, network: features.FeatureNetwork, batch: int, starts: int
    ) -> None:
        """Prepares the method.

        Args:
            twin: the fitted object.
            network: what images are compared by.
            batch: photographs inspected together.
            starts: coarse poses of each photograph that are refined.
        """
        self.batch = batch
        self._twin = twin
        self._network = network
        self._starts = starts

    @abc.abstractmethod
    def _refine(self, photos: Array, starts: Array) -> pose.PoseEstimate:
        """Returns the poses of a batch, [b, h, w, 3], from starts, [b, k, 4, 4]."""

    def _rehearse(self, photos: Array, starts: Array) -> pose.PoseEstimate:
        """Runs the program of `_refine`, with less work where that is possible."""
        return self._refine(photos, starts)

    def compile(self, photo: Float[np.ndarray, "h w 3"]) -> float:
        """Compiles for batches of photographs of this size; returns the seconds."""
        begin = time.monotonic()
        batch = jnp.asarray(np.repeat(photo[None], self.batch, axis=0))
        estimate = self._rehearse(batch, self._coarse(batch))
        jax.block_until_ready(self._compare(batch, estimate.camera_from_world))
        return time.monotonic() - begin

    def inspect(self, photos: Float[np.ndarray, "b h w 3"]) -> Inspected:
        """Returns poses, renders and raw maps of at most `batch` photographs."""
        count = len(photos)
        filled = np.concatenate(
            [photos, np.repeat(photos[-1:], self.batch - count, axis=0)]
        )
        batch = jnp.asarray(filled)
        times = [time.monotonic()]
        starts = jax.block_until_ready(self._coarse(batch))
        times.append(time.monotonic())
        estimate = self._refine(batch, starts)
        jax.block_until_ready(estimate)
        times.append(time.monotonic())
        renders, maps = self._compare(batch, estimate.camera_from_world)
        jax.block_until_ready(maps)
        times.append(time.monotonic())
        spent = dict(zip(("coarse", "refine", "features"), np.diff(times), strict=True))
        return Inspected(
            jax.tree.map(lambda leaf: leaf[:count], estimate),
            np.asarray(renders)[:count],
            np.asarray(maps)[:count],
            {stage: float(value) for stage, value in spent.items()},
        )

    def _coarse(self, photos: Array) -> Array:
        gallery, camera = self._twin.gallery, self._twin.camera
        return pose.find_starts(gallery, camera, photos, self._starts)[0]

    def _compare(self, photos: Array, camera_from_world: Array) -> tuple[Array, Array]:
        renders = twins.render_twin(self._twin, camera_from_world)
        return renders, scores.raw_maps(self._network, photos, renders)
