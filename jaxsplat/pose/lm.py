"""Pose refinement by Levenberg-Marquardt on the rasteriser's normal equations.

Each step solves the normal equations about the current pose, damped as Marquardt (1963)
has it, and is taken when the robust cost falls; damping and acceptance are each
query's own. Stages go from small images to large ones and drop starts on the way. The
whole batch is one XLA program.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.pose.pairs import map_pairs
from jaxsplat.pose.photometric import shows_object
from jaxsplat.pose.records import Outcome, PoseEstimate
from jaxsplat.pose.views import at_poses
from jaxsplat.render import NormalEquations, Photograph, motion, normal_equations
from jaxsplat.render import api as render_api
from jaxsplat.render.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

_FIRST_DAMPING = 1e-2  # share of the diagonal
_EASE, _HARDEN = 4.0, 6.0  # factors of the damping after a step that is taken, or not
_DAMPING_RANGE = (1e-5, 1e5)
# Converged: the next step would turn by less than this, in radians, and shift by less
# than this share of the distance.
_SETTLED_MOVE = 1e-3
# The lists must still fit when the pose has moved away from the start.
_CAPACITY_SLACK = 1.5


@dataclasses.dataclass(frozen=True)
class Stage:
    """Steps at one image size.

    Attributes:
        shrink: how many times smaller the images are than the queries.
        steps: that are tried for every start.
        scale: residual at which a pixel's influence begins to fall.
        keep: how many starts of a query go on after it, those of least cost.
    """

    shrink: int
    steps: int
    scale: float
    keep: int = 1

    def __post_init__(self) -> None:
        if self.shrink < 1 or self.keep < 1 or self.steps < 0 or not self.scale > 0:
            raise ConfigError(
                f"stage {self}: expected shrink and keep of 1 or more, steps of 0 or "
                "more, a scale above 0"
            )


@dataclasses.dataclass(frozen=True)
class LmConfig:
    """Settings of the solver.

    Attributes:
        stages: one after another; starts are refined together in the first.
        together: how many (query, start) pairs are rendered side by side.
    """

    stages: tuple[Stage, ...] = (
        Stage(4, 4, 1.0),
        Stage(4, 8, 1.0),
        Stage(2, 4, 0.3),
        Stage(1, 2, 0.15),
    )
    together: int | None = 8

    def __post_init__(self) -> None:
        if not self.stages:
            raise ConfigError("stages: found none, expected one or more")


class _State(NamedTuple):
    """A start's pose, the equations there, and what the next step needs."""

    pose: Float[Array, "4 4"]
    equations: NormalEquations
    damping: Float[Array, ""]
    finite: Bool[Array, ""]
    needed: Int[Array, ""]


class _Found(NamedTuple):
    """What a stage leaves of each start, [b, k, ...]."""

    pose: Array
    cost: Array
    move: Array  # what the next step would be, in radians or shares of the distance
    finite: Array
    needed: Array


def refine_lm(
    gaussians: Gaussians,
    camera: Camera,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    *,
    center: Float[Array, "3"] | None = None,
    background: Float[Array, "3"] | None = None,
    config: LmConfig | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
    minification: float = 1.0,
) -> PoseEstimate:
    """Returns the refined pose of each photograph, found in one XLA program.

    Args:
        gaussians: the good object, n rows.
        camera: intrinsics and image size of the queries; its pose is not looked at.
        queries: photographs, RGB in [0, 1], [b, h, w, 3].
        starts: `camera_from_world` of k coarse poses each, [b, k, 4, 4].
        center: what rotations turn about in the world, the origin when None, [3].
        background: RGB behind the object, white when None, [3].
        config: settings.
        backend: of the renderer.
        capacity: of the renderer's lists at the queries' size (`render.plan`), which
            smaller sizes do not exceed. None plans it from the starts, which reads one
            number back from the device before the program runs.
        minification: how many times smaller the queries are than the images that the
            cloud was fitted to; see `render.projection.project`.

    Returns:
        The pose of least cost of each photograph; its `loss` is the last stage's cost
        per pixel, [b].
    """
    if capacity is None:
        views = at_poses(camera, starts.reshape(-1, 4, 4))
        capacity = render_api.plan(
            gaussians, views, slack=_CAPACITY_SLACK, backend=backend
        )
    return _refine(
        gaussians,
        camera,
        queries,
        starts,
        jnp.zeros(3) if center is None else center,
        jnp.ones(3) if background is None else background,
        LmConfig() if config is None else config,
        backend,
        capacity,
        minification,
    )


@functools.partial(
    jax.jit, static_argnames=("config", "backend", "capacity", "minification")
)
def _refine(
    gaussians: Gaussians,
    camera: Camera,
    queries: Array,
    starts: Array,
    center: Array,
    background: Array,
    config: LmConfig,
    backend: Backend | None,
    capacity: int,
    minification: float,
) -> PoseEstimate:
    best: _Found | None = None
    for stage in config.stages:
        height = max(camera.height // stage.shrink, 1)
        width = max(camera.width // stage.shrink, 1)
        small = cameras.resized(camera, width, height)
        images = resampling.area_resize(queries, height, width)

        def of_pair(pair: tuple[Array, Array]) -> _Found:
            query, start = pair
            ones = jnp.ones(3)
            seen = Photograph(
                images[query],
                jnp.ones((height, width)),
                ones,
                jnp.zeros_like(ones),
                jnp.float32(stage.scale),
            )

            def evaluate(pose: Array) -> NormalEquations:
                return normal_equations(
                    gaussians,
                    cameras.with_pose(small, pose),
                    seen,
                    center=center,
                    background=background,
                    backend=backend,
                    capacity=capacity,
                    minification=minification * stage.shrink,
                )

            return _descend(evaluate, small, center, start, stage.steps)

        found = map_pairs(of_pair, starts, config.together)
        costs = jnp.where(found.finite, found.cost, jnp.inf) / (height * width)
        order = jnp.argsort(costs, axis=1, stable=True)[:, : stage.keep]
        rows = jnp.arange(len(order))[:, None]
        best = jax.tree.map(lambda x: x[rows, order], found._replace(cost=costs))
        starts = best.pose
    assert best is not None
    shown = jax.vmap(lambda query: shows_object(query, background))(queries)
    return _estimate(best, shown, sum(stage.steps for stage in config.stages))


def _descend(
    evaluate: Callable[[Array], NormalEquations],
    camera: Camera,
    center: Array,
    start: Array,
    steps: int,
) -> _Found:
    """Returns what the steps of one stage make of a start.

    Args:
        evaluate: from a pose to the equations there.
        camera: of the stage; its pose is not looked at.
        center: world point that rotations turn about, [3].
        start: `camera_from_world`, [4, 4].
        steps: that are tried.
    """
    first = evaluate(start)

    def step(_: Array, state: _State) -> _State:
        twist = _solve(state.equations, state.damping)
        here = cameras.with_pose(camera, state.pose)
        pose = motion.moved(here, twist, center).camera_from_world
        finite = jnp.all(jnp.isfinite(pose))
        pose = jnp.where(finite, pose, state.pose)
        equations = evaluate(pose)
        taken = finite & (equations.cost < state.equations.cost)
        eased = jnp.maximum(state.damping / _EASE, _DAMPING_RANGE[0])
        hardened = jnp.minimum(state.damping * _HARDEN, _DAMPING_RANGE[1])
        kept_pose, kept = jax.tree.map(
            lambda new, old: jnp.where(taken, new, old),
            (pose, equations),
            (state.pose, state.equations),
        )
        return _State(
            kept_pose,
            kept,
            jnp.where(taken, eased, hardened),
            state.finite,
            jnp.maximum(state.needed, equations.needed),
        )

    # The renderer leaves out what is not finite, so a bad pose has a finite cost.
    finite = jnp.all(jnp.isfinite(start)) & jnp.isfinite(first.cost)
    state = _State(start, first, jnp.float32(_FIRST_DAMPING), finite, first.needed)
    end = lax.fori_loop(0, steps, step, state)
    twist = _solve(end.equations, jnp.float32(_DAMPING_RANGE[0]))
    here = se3.matmul(end.pose[:3, :3], center) + end.pose[:3, 3]
    shift, turn = jnp.linalg.norm(twist.reshape(2, 3), axis=1)
    move = jnp.maximum(turn, shift / jnp.linalg.norm(here))
    return _Found(end.pose, end.equations.cost, move, end.finite, end.needed)


def _solve(equations: NormalEquations, damping: Array) -> Float[Array, "6"]:
    """Returns the damped step; an unseen object gives none."""
    diagonal = jnp.diagonal(equations.matrix)
    ridge = damping * diagonal + 1e-6 * jnp.max(diagonal) + 1e-12
    damped = equations.matrix + jnp.diag(ridge)
    return -jax.scipy.linalg.solve(damped, equations.vector, assume_a="pos")


def _estimate(best: _Found, shown: Array, steps: int) -> PoseEstimate:
    pose, cost, move, finite, needed = (leaf[:, 0] for leaf in best)
    settled = move < _SETTLED_MOVE
    outcome = jnp.where(settled, int(Outcome.CONVERGED), int(Outcome.MAX_STEPS))
    outcome = jnp.where(shown, outcome, int(Outcome.OUT_OF_VIEW))
    outcome = jnp.where(finite, outcome, int(Outcome.NONFINITE)).astype(jnp.int32)
    rigid = jax.vmap(se3.orthonormalize)(pose)
    pose = jnp.where(finite[:, None, None], rigid, pose)
    return PoseEstimate(pose, cost, jnp.full_like(outcome, steps), outcome, needed)
