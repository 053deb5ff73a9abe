"""Levenberg-Marquardt on the normal equations of one pose.

Each step solves the equations about the current pose, damped as Marquardt (1963) has
it, and is taken when the cost falls.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras, definite, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import NormalEquations, motion

_FIRST_DAMPING = 1e-3  # share of the diagonal
_EASE, _HARDEN = 4.0, 10.0  # factors of the damping after a step that is taken, or not
_DAMPING_RANGE = (1e-6, 1e5)


class Descent(NamedTuple):
    """Where the steps ended.

    Attributes:
        pose: `camera_from_world` of least cost, [4, 4].
        cost: there.
        matrix: J^T W J there, [6, 6].
        move: what the next step would be: radians, or shares of the distance.
        finite: whether the start and its cost were finite.
        needed: the most list entries that an evaluation took.
    """

    pose: Float[Array, "*b 4 4"]
    cost: Float[Array, " *b"]
    matrix: Float[Array, "*b 6 6"]
    move: Float[Array, " *b"]
    finite: Bool[Array, " *b"]
    needed: Int[Array, " *b"]


class _State(NamedTuple):
    pose: Array
    equations: NormalEquations
    damping: Array
    needed: Array
    first: Array  # cost of the start


def descend(
    evaluate: Callable[[Float[Array, "4 4"]], NormalEquations],
    camera: Camera,
    center: Float[Array, "3"],
    start: Float[Array, "4 4"],
    steps: int | Int[Array, ""],
) -> Descent:
    """Returns the best pose that a number of steps finds.

    Args:
        evaluate: from a pose to the equations there.
        camera: its pose is not looked at.
        center: world point that rotations turn about, [3].
        start: `camera_from_world`, [4, 4].
        steps: that are tried.
    """

    def step(number: Array, state: _State) -> _State:
        twist = _solve(state.equations, state.damping)
        here = cameras.with_pose(camera, state.pose)
        pose = motion.moved(here, twist, center).camera_from_world
        stays = (number == 0) | ~jnp.all(jnp.isfinite(pose))
        pose = jnp.where(stays, state.pose, pose)
        equations = evaluate(pose)
        taken = (number == 0) | (equations.cost < state.equations.cost)
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
            jnp.maximum(state.needed, equations.needed),
            jnp.where(number == 0, equations.cost, state.first),
        )

    # The start is evaluated by the loop too: a second evaluation beside it would be
    # compiled a second time.
    nothing = NormalEquations(
        jnp.zeros((motion.POSE, motion.POSE), jnp.float32),
        jnp.zeros(motion.POSE, jnp.float32),
        jnp.float32(jnp.inf),
        jnp.int32(0),
    )
    damping = jnp.float32(_EASE * _FIRST_DAMPING)
    state = _State(start, nothing, damping, nothing.needed, nothing.cost)
    end = lax.fori_loop(0, steps + 1, step, state)
    # The renderer leaves out what is not finite, so a bad pose has a finite cost.
    finite = jnp.all(jnp.isfinite(start)) & jnp.isfinite(end.first)
    twist = _solve(end.equations, jnp.float32(_DAMPING_RANGE[0]))
    here = se3.apply(end.pose, center)
    shift, turn = jnp.linalg.norm(twist.reshape(2, 3), axis=1)
    move = jnp.maximum(turn, shift / jnp.linalg.norm(here))
    cost, matrix = end.equations.cost, end.equations.matrix
    return Descent(end.pose, cost, matrix, move, finite, end.needed)


def _solve(equations: NormalEquations, damping: Array) -> Float[Array, "6"]:
    """Returns the damped step; an unseen object gives none."""
    diagonal = jnp.diagonal(equations.matrix)
    ridge = damping * diagonal + 1e-6 * jnp.max(diagonal) + 1e-12
    damped = equations.matrix + jnp.diag(ridge)
    return -definite.solve(damped, equations.vector)
