"""The best of what this project has: today its own pose search, SplatPose's score.

The pose comes from the gallery's best hypotheses, refined together by
Levenberg-Marquardt on the photograph at its full size.
"""

import dataclasses

from jax import Array

from jaxsplat import features, pose
from jaxsplat.methods.inspector import Inspector
from jaxsplat.methods.twin import Twin


@dataclasses.dataclass(frozen=True)
class BestConfig:
    """Settings of the method.

    Attributes:
        starts: coarse poses of each query that are refined.
        solver: the refinement's settings.
        batch: queries inspected together.
    """

    starts: int = 4
    solver: pose.LmConfig = pose.LmConfig()
    batch: int = 8


class Best(Inspector):
    """The method for one object."""

    def __init__(
        self, twin: Twin, network: features.FeatureNetwork, config: BestConfig
    ) -> None:
        """Prepares the method for a fitted object and a network to compare by."""
        super().__init__(twin, network, config.batch, config.starts)
        self._solver = config.solver

    def _refine(self, photos: Array, starts: Array) -> pose.PoseEstimate:
        twin = self._twin
        return pose.refine_lm(
            twin.gaussians,
            twin.camera,
            photos,
            starts,
            center=twin.center,
            background=twin.background,
            sampling_rate=twin.sampling_rate,
            config=self._solver,
            backend=twin.backend,
            capacity=twin.capacity,
        )
