"""IGSPAD's pose refinement: Adam on the view matrix, on the pixels that match.

IGSPAD (2024), section 3.2: the gradient of the photometric loss with respect to the
view matrix, its translation by the chain rule (equation 3) and its rotation on the
tangent, as in Gaussian Splatting SLAM; 300 steps, at rate .01 and from the 200th on at
.001; L1 weighted by matching point sampling (equation 4). Adam divides by the size of
the gradient, so that the n^2 of equation 4 and a sum over channels change nothing.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat import matchers
from jaxsplat.core import precision, se3
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError
from jaxsplat.matchers import KeypointDetector, KeypointMatcher
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.refine import adam_loop, comparison, matching_points
from jaxsplat.pose.refine.adam_loop import Weighting
from jaxsplat.pose.refine.matching_points import Sampler
from jaxsplat.pose.refine.photometric import Scene
from jaxsplat.rendering.twin import Twin


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ViewState:
    """What the solver keeps of an object.

    Attributes:
        detector: of keypoints; None without matching.
        matcher: of theirs, likewise.
        capacity: of the renderer's lists at the size of the comparison, where the
            twin's is `planned` (static).
        planned: see `capacity` (static).
    """

    detector: KeypointDetector | None
    matcher: KeypointMatcher | None
    capacity: int = dataclasses.field(metadata=dict(static=True))
    planned: int = dataclasses.field(metadata=dict(static=True))


class ViewPath(NamedTuple):
    """Points are view matrices.

    A step is the change of the translation in scene units, then a rotation vector in
    radians by which the rotation is turned from the left (Gaussian Splatting SLAM,
    equation 3).

    Attributes:
        rates: before and after the change, per step.
        change: the step from which the second rate is taken.
    """

    rates: tuple[float, float]
    change: Int[Array, ""]

    @property
    def dimension(self) -> int:
        return 6

    def pose(self, point: Float[Array, "4 4"]) -> Float[Array, "4 4"]:
        """Returns the point; see `adam_loop.Path`."""
        return point

    def moved(
        self, point: Float[Array, "4 4"], step: Float[Array, "6"]
    ) -> Float[Array, "4 4"]:
        """Returns the view matrix after a step."""
        turn = se3.exp(jnp.concatenate([jnp.zeros(3, step.dtype), step[3:]]))
        rotation = se3.matmul(turn[:3, :3], point[:3, :3])
        return se3.from_parts(rotation, point[:3, 3] + step[:3])

    def rate(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """Returns the rate of a step, counted from 0."""
        first, second = (jnp.float32(rate) for rate in self.rates)
        return jnp.where(step < self.change, first, second)


@dataclasses.dataclass(frozen=True)
class AdamView:
    """The solver of the paper; the defaults are the paper's where it says.

    The estimate is the pose of least loss since points were matched last. Neither the
    exposure nor the surroundings are looked for.

    Attributes:
        steps: Adam steps for every photograph; another number is the same program.
        rates: Adam's, before and after two thirds of the steps.
        sampled: whether only pixels near matched points count.
        radius: within which they are near, as a share of the longer side; the paper's k
            is not given.
        every: steps from one matching to the next; the paper does not say.
        detector: name of the local features, see `matchers.load_detector`.
        detector_file: their weights; None for what comes with the package.
        matcher: name of what matches them, see `matchers.load_matcher`.
        matcher_file: its weights; None for what comes with the package.
        keypoints: number of each image.
        keep: how many of a photograph's starts are refined, those of lowest loss.
        side: longer image side in pixels at which render and photograph are compared;
            the photograph's own when None.
        together: as in `AdamScrew`.
    """

    steps: int = 300
    rates: tuple[float, float] = (0.01, 0.001)
    sampled: bool = True
    radius: float = 0.05
    every: int = 50
    detector: str = "xfeat"
    detector_file: str | None = None
    matcher: str = "lighterglue"
    matcher_file: str | None = None
    keypoints: int = 512
    keep: int = 1
    side: int | None = None
    together: int | None = None

    def __post_init__(self) -> None:
        comparison.check(self.steps, self.keep, self.side, self.together)
        for name in ("every", "keypoints"):
            if getattr(self, name) < 1:
                found = getattr(self, name)
                raise ConfigError(f"{name}: found {found}, expected 1 or more")
        if not self.radius > 0:
            raise ConfigError(f"radius: found {self.radius}, expected a share above 0")
        if not min(self.rates) > 0:
            raise ConfigError(f"rates: found {self.rates}, expected two above 0")

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> ViewState:
        """Loads the networks, plans the lists; arguments as in `parts.Starts`."""
        del key
        detector = matcher = None
        if self.sampled:
            detector = matchers.load_detector(self.detector, self.detector_file)
            matcher = matchers.load_matcher(self.matcher, self.matcher_file)
        capacity = comparison.plan(twin, views, self.side)
        return ViewState(detector, matcher, capacity, twin.capacity)

    def __call__(
        self,
        twin: Twin,
        state: ViewState,
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the refined poses in one XLA program; see `parts.Refine`."""
        twin, photographs, starts = precision.single((twin, photographs, starts))
        settings = dataclasses.replace(self, steps=0)
        steps = jnp.int32(self.steps)
        return _refine(settings, twin, state, photographs.images, starts, steps)


@functools.partial(jax.jit, static_argnames="settings")
def _refine(
    settings: AdamView,
    twin: Twin,
    state: ViewState,
    images: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    steps: Int[Array, ""],
) -> PoseEstimate:
    sampler, keypoints = None, None
    if state.detector is not None and state.matcher is not None:
        networks = state.detector, state.matcher
        sampler = matching_points.make_sampler(twin, *networks, settings.keypoints)
        keypoints = sampler.detect(images)
    path = ViewPath(settings.rates, 2 * steps // 3)

    def solve(scene: Scene, queries: Array) -> PoseEstimate:
        def refine_one(pair: tuple[Array, Array]) -> PoseEstimate:
            query, start = pair
            points = jax.tree.map(lambda leaf: leaf[query], keypoints)
            weighting = _weighting(settings, sampler, points, scene)
            return adam_loop.descend(
                scene, queries[query], path, start, steps=steps, weighting=weighting
            )

        return comparison.best_of(
            scene, queries, starts, refine_one, settings.keep, settings.together
        )

    return comparison.refine(
        twin,
        images,
        solve,
        side=settings.side,
        ssim_weight=0.0,
        capacity=state.capacity,
        planned=state.planned,
    )


def _weighting(
    settings: AdamView,
    sampler: Sampler | None,
    points: matchers.Keypoints | None,
    scene: Scene,
) -> Weighting | None:
    """Returns how pixels are weighted, None where all count alike."""
    if sampler is None or points is None:
        return None
    camera = scene.twin.camera

    def weigh(pose: Array) -> Array:
        return sampler.weights(
            points, pose, settings.radius, camera.height, camera.width
        )

    return Weighting(weigh, settings.every)
