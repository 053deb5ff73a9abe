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
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core import cameras, definite, precision, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError
from jaxsplat.pose import aligning, alignment, descent, hypotheses, pyramid, turning
from jaxsplat.pose.descent import Descent
from jaxsplat.pose.estimate import Outcome, PoseEstimate
from jaxsplat.pose.pairs import check_together, map_pairs
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.refine.stages import Stage, patient_stages, stages_for
from jaxsplat.pose.visibility import MIN_COVERAGE, shows_object
from jaxsplat.rendering import (
    NormalEquations,
    Photograph,
    exposure,
    normal_equations,
    sampling,
)
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.rendering.twin import Twin

# Converged: the next step would turn by less than this, in radians, and shift by less
# than this share of the distance.
_SETTLED_MOVE = 1e-3
# A pose that looks at another side and costs no more than this times the best's makes
# the best ambiguous.
_RIVAL = 1.1


@dataclasses.dataclass(frozen=True)
class Lm:
    """The solver: Levenberg-Marquardt from several starts, found in one XLA program.

    The estimate is the pose of least cost of each photograph, or its first start where
    no cost is finite; `loss` is the last stage's cost per pixel. Photographs that show
    the object larger or smaller than it was fitted are compared with renders as sharp
    as they are.

    Attributes:
        stages: one after another; when None `stages_for` the photographs' size, or
            `patient_stages` where starts are turned.
        polish: steps on the rasteriser's normal equations after the last stage.
        together: how many (photograph, pose) pairs are worked on side by side; the
            others follow one after another. None takes all on a GPU and 8 on a CPU.
        turns: poses that are tried for each start: itself, and others at which the
            object is turned by up to 25 degrees. For photographs that lack a large part
            of the object; they take as many times longer at the first stage.
        solid: where the photographs are masks, white before black, and the twin a
            closed surface: its `scene.meshes.Mesh2Splat.scale`. Masks have no exposure,
            so none is looked for.
    """

    stages: tuple[Stage, ...] | None = None
    polish: int = 0
    together: int | None = None
    turns: int = 1
    solid: float | None = None

    def __post_init__(self) -> None:
        if self.stages is not None and not self.stages:
            raise ConfigError("stages: found none, expected one or more")
        if self.polish < 0:
            raise ConfigError(f"polish: found {self.polish}, expected 0 or more steps")
        if self.turns < 1:
            raise ConfigError(f"turns: found {self.turns}, expected 1 or more")
        if self.solid is not None and self.polish:
            raise ConfigError(f"polish: found {self.polish} on masks, expected 0")
        check_together(self.together)

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> tuple[()]:
        """Returns nothing: the twin is all that is needed."""
        del twin, views, key
        return ()

    def __call__(
        self,
        twin: Twin,
        state: tuple[()],
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the refined poses; see `parts.Refine`."""
        del state
        return _refine(self, *precision.single((twin, photographs, starts)))


class _Query(NamedTuple):
    """Photographs or one, at a stage's size."""

    image: Array
    plain: Array
    background: Array  # behind the object in the photograph, where it is plain


class _Found(NamedTuple):
    """What is known of poses, [b, k, ...]."""

    descent: Descent
    exposure: Exposure
    covered: Array  # share of the image that the object covers


@functools.partial(jax.jit, static_argnames="solver")
def _refine(
    solver: Lm, twin: Twin, photographs: Photographs, starts: Array
) -> PoseEstimate:
    queries, plain = photographs.images, photographs.plain
    behind = jax.vmap(exposure.border_color, in_axes=(0, None))(
        queries, twin.background
    )
    planned = patient_stages if solver.turns > 1 else stages_for
    stages = solver.stages or planned(twin.camera.width, twin.camera.height)
    rivalled = jnp.zeros(len(queries), bool)
    needed = jnp.zeros(len(queries), jnp.int32)
    steps = solver.polish
    if solver.turns > 1:
        starts = turning.turned(starts, twin.center, solver.turns)
    for stage in stages:
        small = pyramid.shrunken(twin.camera, stage.shrink)
        images = resampling.area_resize(queries, small.height, small.width)
        asked = _Query(images, plain, behind)
        work = _Work(dataclasses.replace(twin, camera=small), stage, solver.solid)
        found = map_pairs(
            lambda pair: work.align(_row(asked, pair[0]), pair[1]),
            starts,
            solver.together,
        )
        found, rivals = _best(found, stage.keep)
        rivalled |= rivals
        needed = jnp.maximum(needed, jnp.max(found.descent.needed, axis=1))
        starts = found.descent.pose
        steps += stage.renders * stage.steps
    if solver.polish:
        seen = jax.tree.map(lambda leaf: leaf[:, 0], found.exposure)
        polished = map_pairs(
            lambda pair: work.polish(
                _row(asked, pair[0]), _row(seen, pair[0]), pair[1], solver.polish
            ),
            starts[:, :1],
            solver.together,
        )
        found = found._replace(descent=polished)
        needed = jnp.maximum(needed, polished.needed[:, 0])
    shown = ~plain | jax.vmap(shows_object)(queries, behind)
    return _estimate(found, small, shown, rivalled, needed, steps)


@dataclasses.dataclass(frozen=True)
class _Work:
    """One stage's work on one pose of one photograph."""

    twin: Twin  # its camera is that of the stage's images
    stage: Stage
    solid: float | None

    def align(self, query: _Query, pose: Array) -> _Found:
        """Returns the pose after the stage's renders and alignments."""
        twin, needed = self.twin, jnp.int32(0)
        for _ in range(self.stage.renders):
            camera = cameras.with_pose(twin.camera, pose)
            template, pairs = alignment.render_template(twin, camera, self.solid)
            seen = exposure.neutral(query.background)
            if self.solid is None:
                seen = alignment.estimate_exposure(
                    template, query.image, camera, query.background, query.plain
                )
            problem = alignment.problem(
                template,
                query.image,
                camera,
                twin.center,
                seen,
                query.plain,
                self.stage.scale,
            )
            found = aligning.align(problem, pose, self.stage.steps, twin.backend)
            covered = jnp.mean(template.alpha)
            # Nothing tells where an object is that is not in view.
            pose = jnp.where(covered >= MIN_COVERAGE, found.pose, pose)
            needed = jnp.maximum(needed, pairs)
        return _Found(found._replace(pose=pose, needed=needed), seen, covered)

    def polish(self, query: _Query, seen: Exposure, pose: Array, steps: int) -> Descent:
        """Returns the pose after steps that render each time."""
        twin = self.twin
        photograph = Photograph(
            query.image,
            # Unknown surroundings would pull: such poses stay as they are.
            jnp.full(query.image.shape[:2], query.plain, jnp.float32),
            seen.gain,
            seen.offset,
            jnp.float32(self.stage.scale),
        )

        def evaluate(pose: Array) -> NormalEquations:
            # Behind a colour of which gain and offset make the photograph's own.
            behind = (seen.surroundings - seen.offset) / seen.gain
            camera = cameras.with_pose(twin.camera, pose)
            return normal_equations(
                twin.gaussians,
                camera,
                photograph,
                center=twin.center,
                background=behind,
                backend=twin.backend,
                capacity=twin.capacity,
                minification=sampling.minification(
                    camera, twin.center, twin.sampling_rate
                ),
            )

        return descent.descend(evaluate, twin.camera, twin.center, pose, steps)


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
    found: _Found,
    camera: Camera,
    shown: Array,
    rivalled: Array,
    needed: Array,
    steps: int,
) -> PoseEstimate:
    best, seen, covered = jax.tree.map(lambda leaf: leaf[:, 0], tuple(found))
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
    eye = jnp.eye(6, dtype=jnp.float32)
    matrix = best.matrix + ridge[:, None, None] * eye
    return PoseEstimate(
        pose,
        jnp.where(best.finite, best.cost / pixels, jnp.inf),
        jnp.full_like(outcome, steps),
        outcome,
        variance[:, None, None] * jax.vmap(definite.inverse)(matrix),
        seen,
        needed,
    )
