"""Pose refinement by Levenberg-Marquardt, for a whole batch in one XLA program.

From small images to large ones: the object is rendered with depth at a pose's current
value, that template is aligned with the photograph by damped steps, and rendered anew.
Steps cost little beside renders. A query's poses that explain it badly are dropped on
the way; exposure and robust weights are each query's own.

Steps on the rasteriser's normal equations, which render at every step, can follow. They
minimise the photometric cost itself, at some ten times the time of a step: for clouds
without surfaces. On fitted objects they change little.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras, resampling, se3
from jaxsplat.core.cameras import Camera, at_poses
from jaxsplat.errors import ConfigError
from jaxsplat.pose import alignment, descent, exposure, hypotheses, pyramid
from jaxsplat.pose.descent import Descent
from jaxsplat.pose.estimate import Outcome, PoseEstimate
from jaxsplat.pose.exposure import Exposure
from jaxsplat.pose.pairs import check_together, map_pairs
from jaxsplat.pose.refine.photometric import MIN_COVERAGE, shows_object
from jaxsplat.pose.refine.stages import Stage, stages_for
from jaxsplat.rendering import NormalEquations, Photograph, normal_equations, sampling
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

# Converged: the next step would turn by less than this, in radians, and shift by less
# than this share of the distance.
_SETTLED_MOVE = 1e-3
# A pose that looks at another side and costs no more than this times the best's makes
# the best ambiguous.
_RIVAL = 1.1
# The lists must still fit when the pose has moved away from the start.
_CAPACITY_SLACK = 1.5


@dataclasses.dataclass(frozen=True)
class LmConfig:
    """Settings of the solver.

    Attributes:
        stages: one after another; `stages_for` the queries' size when None.
        polish: steps on the rasteriser's normal equations after the last stage.
        together: how many (query, pose) pairs are worked on side by side; the others
            follow one after another. None takes all on a GPU and 8 on a CPU.
    """

    stages: tuple[Stage, ...] | None = None
    polish: int = 0
    together: int | None = None

    def __post_init__(self) -> None:
        if self.stages is not None and not self.stages:
            raise ConfigError("stages: found none, expected one or more")
        if self.polish < 0:
            raise ConfigError(f"polish: found {self.polish}, expected 0 or more steps")
        check_together(self.together)


class _Query(NamedTuple):
    """Photographs or one, at a stage's size."""

    image: Array
    background: Array  # behind the object in the photograph
    rate: Array | None  # the sampling rate that the object was fitted at


class _Found(NamedTuple):
    """What is known of poses, [b, k, ...]."""

    descent: Descent
    exposure: Exposure
    covered: Array  # share of the image that the object covers


def refine_lm(
    gaussians: Gaussians,
    camera: Camera,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    *,
    center: Float[Array, "3"] | None = None,
    background: Float[Array, "3"] | None = None,
    sampling_rate: float | Float[Array, " *b"] | None = None,
    config: LmConfig | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
) -> PoseEstimate:
    """Returns the refined pose of each photograph, found in one XLA program.

    Args:
        gaussians: the good object, n rows.
        camera: intrinsics and image size of the queries; its pose is not looked at.
        queries: photographs, RGB in [0, 1], [b, h, w, 3].
        starts: `camera_from_world` of k coarse poses each, [b, k, 4, 4].
        center: what rotations turn about in the world, the origin when None, [3].
        background: RGB behind the object, white when None, [3].
        sampling_rate: `render.sampling_rate` at the center of the photographs that the
            cloud was fitted to, one for all queries or one each. Photographs that show
            the object larger or smaller are then compared with renders as sharp as they
            are. When None they are taken to show it as large.
        config: settings.
        backend: of the renderer.
        capacity: of the renderer's lists at the queries' size (`render.plan`), which
            smaller sizes do not exceed. None plans it from the starts, which reads one
            number back from the device before the program runs.

    Returns:
        The pose of least cost of each photograph, or its first start where no cost is
        finite; `loss` is the last stage's cost per pixel, [b].
    """
    if capacity is None:
        views = at_poses(camera, starts.reshape(-1, 4, 4))
        capacity = render_api.plan(gaussians, views, slack=_CAPACITY_SLACK)
    return _refine(
        gaussians,
        camera,
        queries,
        starts,
        jnp.zeros(3) if center is None else center,
        jnp.ones(3) if background is None else background,
        sampling_rate,
        LmConfig() if config is None else config,
        backend,
        capacity,
    )


@functools.partial(jax.jit, static_argnames=("config", "backend", "capacity"))
def _refine(
    gaussians: Gaussians,
    camera: Camera,
    queries: Array,
    starts: Array,
    center: Array,
    background: Array,
    sampling_rate: float | Array | None,
    config: LmConfig,
    backend: Backend | None,
    capacity: int,
) -> PoseEstimate:
    behind = jax.vmap(exposure.border_color, in_axes=(0, None))(queries, background)
    stages = config.stages or stages_for(camera.width, camera.height)
    rates = None
    if sampling_rate is not None:
        rates = jnp.broadcast_to(jnp.asarray(sampling_rate), starts.shape[:1])
    rivalled = jnp.zeros(len(queries), bool)
    steps = config.polish
    for stage in stages:
        small = pyramid.shrunken(camera, stage.shrink)
        images = resampling.area_resize(queries, small.height, small.width)
        asked = _Query(images, behind, rates)
        work = _Work(
            gaussians,
            small,
            center,
            stage,
            backend,
            capacity,
        )
        found = map_pairs(
            lambda pair: work.align(_row(asked, pair[0]), pair[1]),
            starts,
            config.together,
        )
        found, rivals = _best(found, stage.keep)
        rivalled |= rivals
        starts = found.descent.pose
        steps += stage.renders * stage.steps
    if config.polish:
        seen = jax.tree.map(lambda leaf: leaf[:, 0], found.exposure)
        polished = map_pairs(
            lambda pair: work.polish(
                _row(asked, pair[0]), _row(seen, pair[0]), pair[1], config.polish
            ),
            starts[:, :1],
            config.together,
        )
        found = found._replace(descent=polished)
    shown = jax.vmap(shows_object)(queries, behind)
    return _estimate(found, small, shown, rivalled, steps)


@dataclasses.dataclass(frozen=True)
class _Work:
    """One stage's work on one pose of one photograph."""

    gaussians: Gaussians
    camera: Camera
    center: Array
    stage: Stage
    backend: Backend | None
    capacity: int

    def align(self, query: _Query, pose: Array) -> _Found:
        """Returns the pose after the stage's renders and alignments."""
        needed = jnp.int32(0)
        for _ in range(self.stage.renders):
            camera = cameras.with_pose(self.camera, pose)
            template, pairs = alignment.render_template(
                self.gaussians,
                camera,
                self.center,
                backend=self.backend,
                capacity=self.capacity,
                minification=self._minification(camera, query.rate),
            )
            seen = alignment.estimate_exposure(
                template, query.image, camera, query.background
            )
            evaluate = alignment.equations(
                template, query.image, camera, self.center, seen, self.stage.scale
            )
            found = descent.descend(
                evaluate, camera, self.center, pose, self.stage.steps
            )
            covered = jnp.mean(template.alpha)
            # Nothing tells where an object is that is not in view.
            pose = jnp.where(covered >= MIN_COVERAGE, found.pose, pose)
            needed = jnp.maximum(needed, pairs)
        return _Found(found._replace(pose=pose, needed=needed), seen, covered)

    def polish(self, query: _Query, seen: Exposure, pose: Array, steps: int) -> Descent:
        """Returns the pose after steps that render each time."""
        photograph = Photograph(
            query.image,
            jnp.ones(query.image.shape[:2]),
            seen.gain,
            seen.offset,
            jnp.float32(self.stage.scale),
        )

        def evaluate(pose: Array) -> NormalEquations:
            # Behind a colour of which gain and offset make the photograph's own.
            behind = (seen.surroundings - seen.offset) / seen.gain
            camera = cameras.with_pose(self.camera, pose)
            return normal_equations(
                self.gaussians,
                camera,
                photograph,
                center=self.center,
                background=behind,
                backend=self.backend,
                capacity=self.capacity,
                minification=self._minification(camera, query.rate),
            )

        return descent.descend(evaluate, self.camera, self.center, pose, steps)

    def _minification(self, camera: Camera, rate: Array | None) -> float | Array:
        if rate is None:
            return float(self.stage.shrink)
        return sampling.minification(camera, self.center, rate)


def _row(stacked: Any, index: Array) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], stacked)


def _best(found: _Found, keep: int) -> tuple[_Found, Array]:
    """Returns the poses that go on, and whether one that does not was nearly as good.

    Poses that only fill up come last, at infinite cost.
    """
    usable = found.descent.finite & (found.covered >= MIN_COVERAGE)
    costs = jnp.where(usable, found.descent.cost, jnp.inf)
    among = min(costs.shape[1], max(keep, 2))
    distinct = jax.vmap(hypotheses.distinct, in_axes=(0, 0, None))
    chosen, costs = distinct(found.descent.pose, costs, among)
    rows = jnp.arange(len(chosen))[:, None]
    kept = jax.tree.map(lambda leaf: leaf[rows, chosen[:, :keep]], found)
    if keep > 1 or among == 1:
        return kept, jnp.zeros(len(chosen), bool)
    return kept, costs[:, 1] <= _RIVAL * costs[:, 0]


def _estimate(
    found: _Found, camera: Camera, shown: Array, rivalled: Array, steps: int
) -> PoseEstimate:
    best, covered = jax.tree.map(
        lambda leaf: leaf[:, 0], (found.descent, found.covered)
    )
    pixels = camera.height * camera.width
    settled = best.move < _SETTLED_MOVE
    outcome = jnp.where(settled, int(Outcome.CONVERGED), int(Outcome.MAX_STEPS))
    outcome = jnp.where(rivalled, int(Outcome.AMBIGUOUS), outcome)
    shown &= covered >= MIN_COVERAGE
    outcome = jnp.where(shown, outcome, int(Outcome.OUT_OF_VIEW))
    outcome = jnp.where(best.finite, outcome, int(Outcome.NONFINITE)).astype(jnp.int32)
    rigid = jax.vmap(se3.orthonormalize)(best.pose)
    pose = jnp.where(best.finite[:, None, None], rigid, best.pose)
    variance = 2 * best.cost / (3 * jnp.maximum(covered * pixels, 1.0))
    ridge = 1e-6 * jnp.max(best.matrix, axis=(1, 2)) + 1e-12
    matrix = best.matrix + ridge[:, None, None] * jnp.eye(6)
    return PoseEstimate(
        pose,
        jnp.where(best.finite, best.cost / pixels, jnp.inf),
        jnp.full_like(outcome, steps),
        outcome,
        variance[:, None, None] * jnp.linalg.inv(matrix),
        best.needed,
    )
