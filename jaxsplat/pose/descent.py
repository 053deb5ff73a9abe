"""Levenberg-Marquardt on the normal equations of one pose.

Each step solves the equations about the current pose, damped as Marquardt (1963) has
it, and is taken when the cost falls.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras, definite, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import NormalEquations, motion

_EASE, _HARDEN = 4.0, 10.0  # factors of the damping after a step that is taken, or not
# Shares of the diagonal: that of the first step times the first factor, since the start
# counts as a step that is taken, and the least and most.
BEFORE_FIRST = _EASE * 1e-3
DAMPING_RANGE = (1e-6, 1e5)


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
        kept_pose, kept = jax.tree.map(
            lambda new, old: jnp.where(taken, new, old),
            (pose, equations),
            (state.pose, state.equations),
        )
        return _State(
            kept_pose,
            kept,
            damping_after(state.damping, taken),
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
    damping = jnp.float32(BEFORE_FIRST)
    state = _State(start, nothing, damping, nothing.needed, nothing.cost)
    end = lax.fori_loop(0, steps + 1, step, state)
    found = dataclasses.replace(end.equations, needed=end.needed)
    return ended(start, end.pose, found, end.first, center)


def ended(
    start: Float[Array, "4 4"],
    pose: Float[Array, "4 4"],
    equations: NormalEquations,
    first: Float[Array, ""],
    center: Float[Array, "3"],
) -> Descent:
    """Returns a descent from where it ended.

    Args:
        start: where it began.
        pose: of least cost.
        equations: there, with the most list entries that were needed.
        first: cost of the start.
        center: see `descend`.
    """
    # The renderer leaves out what is not finite, so a bad pose has a finite cost.
    finite = jnp.all(jnp.isfinite(start)) & jnp.isfinite(first)
    twist = _solve(equations, jnp.float32(DAMPING_RANGE[0]))
    here = se3.apply(pose, center)
    shift, turn = jnp.linalg.norm(twist.reshape(2, 3), axis=1)
    move = jnp.maximum(turn, shift / jnp.linalg.norm(here))
    cost, matrix = equations.cost, equations.matrix
    return Descent(pose, cost, matrix, move, finite, equations.needed)


def damping_after(damping: Array, taken: Array) -> Array:
    """Returns the next step's damping, from a step's and whether it was taken."""
    eased = jnp.maximum(damping / _EASE, DAMPING_RANGE[0])
    return jnp.where(taken, eased, jnp.minimum(damping * _HARDEN, DAMPING_RANGE[1]))


def ridge(damping: Array, diagonal: Array, most: Array) -> Array:
    """Returns what is added to a diagonal, of which `most` is the largest entry."""
    return damping * diagonal + 1e-6 * most + 1e-12


def _solve(equations: NormalEquations, damping: Array) -> Float[Array, "6"]:
    """Returns the damped step; an unseen object gives none."""
    diagonal = jnp.diagonal(equations.matrix)
    added = ridge(damping, diagonal, jnp.max(diagonal))
    damped = equations.matrix + jnp.diag(added)
    return -definite.solve(damped, equations.vector)
