"""SplatPose (Kruse et al. 2024): coarse pose, Adam on a screw axis, feature distances.

Differences from the published system, all named: the coarse pose comes from a gallery
of image codes instead of LoFTR matches, and the network is EfficientNet-Lite0 unless a
file with EfficientNet-B4 is given. The score is the published one.
"""

import dataclasses
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import features, pose
from jaxsplat.core import cameras
from jaxsplat.methods import twin as twins
from jaxsplat.methods.twin import Twin
from jaxsplat.render import api as render
from jaxsplat.scores import splatpose as scores


@dataclasses.dataclass(frozen=True)
class SplatPoseConfig:
    """Settings of the method.

    Attributes:
        refine_side: longer image side during refinement in pixels; the queries' own
            size when None, as the paper has it.
        starts: coarse poses looked at for each query.
        solver: the refinement's settings.
        batch: queries inspected together.
    """

    refine_side: int | None = None
    starts: int = 4
    solver: pose.AdamScrewConfig = pose.AdamScrewConfig()
    batch: int = 8


PAPER = SplatPoseConfig(starts=1)
FAST = SplatPoseConfig(refine_side=100)
PRESETS = {"paper": PAPER, "fast": FAST}


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


class SplatPose:
    """The method for one object; every call has the same shapes, so compiles once."""

    def __init__(
        self,
        twin: Twin,
        network: features.FeatureNetwork,
        config: SplatPoseConfig,
        seed: int = 0,
    ) -> None:
        """Prepares the method.

        Args:
            twin: the fitted object.
            network: what images are compared by.
            config: settings.
            seed: of the solver's start.
        """
        self._twin = twin
        self._network = network
        self._config = config
        self._key = jax.random.key(seed)
        camera = twin.camera
        self._side = config.refine_side or max(camera.width, camera.height)
        self._small = cameras.resized(
            camera, *twins.shrunken_size(camera.width, camera.height, self._side)
        )
        views = pose.at_poses(self._small, twin.gallery.camera_from_world)
        self._capacity = render.plan(
            twin.gaussians, views, slack=1.5, backend=twin.backend
        )

    def compile(self, photo: Float[np.ndarray, "h w 3"]) -> float:
        """Compiles for batches of photographs of this size; returns the seconds."""
        begin = time.monotonic()
        batch = jnp.asarray(np.repeat(photo[None], self._config.batch, axis=0))
        starts = self._coarse(batch)
        # The number of steps is no part of the program, so none need be taken.
        none = dataclasses.replace(self._config.solver, steps=0)
        estimate = self._refine(batch, starts, none)
        jax.block_until_ready(self._compare(batch, estimate.camera_from_world))
        return time.monotonic() - begin

    def inspect(self, photos: Float[np.ndarray, "b h w 3"]) -> Inspected:
        """Returns poses, renders and raw maps of at most `config.batch` photographs."""
        count = len(photos)
        filled = np.concatenate(
            [photos, np.repeat(photos[-1:], self._config.batch - count, axis=0)]
        )
        batch = jnp.asarray(filled)
        times = [time.monotonic()]
        starts = jax.block_until_ready(self._coarse(batch))
        times.append(time.monotonic())
        estimate = self._refine(batch, starts, self._config.solver)
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
        return pose.nearest(self._twin.gallery, photos, self._config.starts)[0]

    def _refine(
        self, photos: Array, starts: Array, solver: pose.AdamScrewConfig
    ) -> pose.PoseEstimate:
        return pose.refine_adam_screw(
            self._twin.gaussians,
            self._small,
            twins.shrink(photos, self._side),
            starts,
            key=self._key,
            center=self._twin.center,
            background=self._twin.background,
            config=solver,
            backend=self._twin.backend,
            capacity=self._capacity,
            minification=self._twin.camera.width / self._small.width,
        )

    def _compare(self, photos: Array, camera_from_world: Array) -> tuple[Array, Array]:
        renders = twins.render_twin(self._twin, camera_from_world)
        return renders, scores.raw_maps(self._network, photos, renders)
