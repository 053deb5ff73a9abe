"""SplatPose (Kruse et al. 2024): coarse pose, Adam on a screw axis, feature distances.

Differences from the published system, all named: the coarse pose comes from a gallery
of rendered views instead of LoFTR matches, and the network is EfficientNet-Lite0 unless
a file with EfficientNet-B4 is given. The score is the published one.
"""

import dataclasses

import jax
from jax import Array

from jaxsplat import features, pose
from jaxsplat.core import cameras
from jaxsplat.methods import twin as twins
from jaxsplat.methods.inspector import Inspector
from jaxsplat.methods.twin import Twin
from jaxsplat.rendering import api as render


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


class SplatPose(Inspector):
    """The method for one object."""

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
        super().__init__(twin, network, config.batch, config.starts)
        self._solver = config.solver
        self._key = jax.random.key(seed)
        camera = twin.camera
        self._side = config.refine_side or max(camera.width, camera.height)
        self._small = cameras.resized(
            camera, *twins.shrunken_size(camera.width, camera.height, self._side)
        )
        views = pose.at_poses(
            self._small, twin.gallery.templates.camera.camera_from_world
        )
        self._capacity = render.plan(twin.gaussians, views, slack=1.5)

    def _refine(self, photos: Array, starts: Array) -> pose.PoseEstimate:
        return self._search(photos, starts, self._solver)

    def _rehearse(self, photos: Array, starts: Array) -> pose.PoseEstimate:
        # The number of steps is no part of the program, so none need be taken.
        none = dataclasses.replace(self._solver, steps=0)
        return self._search(photos, starts, none)

    def _search(
        self, photos: Array, starts: Array, solver: pose.AdamScrewConfig
    ) -> pose.PoseEstimate:
        twin = self._twin
        return pose.refine_adam_screw(
            twin.gaussians,
            self._small,
            twins.shrink(photos, self._side),
            starts,
            key=self._key,
            center=twin.center,
            background=twin.background,
            config=solver,
            backend=twin.backend,
            capacity=self._capacity,
            minification=twin.camera.width / self._small.width,
        )
