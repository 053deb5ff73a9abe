"""The kernels of the alignment against XLA's form of it, on any device."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import cubins
from jaxsplat.core import cameras
from jaxsplat.pose import alignment, descent, kernels
from jaxsplat.pose.alignment import Problem
from jaxsplat.pose.descent import Descent
from jaxsplat.rendering import exposure, motion
from tests.pose.conftest import Toy

CENTER = jnp.array([0.1, -0.2, 0.1])
AWAY = jnp.array([0.01, -0.02, 0.02, 0.01, -0.01, 0.015])
# Of entries over the roots of their diagonals, and of costs. Worst seen: 1e-6.
ROUNDING = 2e-5


def problem_of(toy: Toy, plain: bool, width: int, height: int) -> Problem:
    """Returns the first query's problem with a template of another size."""
    small = cameras.resized(toy.camera, width, height)
    camera = cameras.with_pose(small, toy.truth[0])
    seen, _ = alignment.render_template(toy.twin, camera)
    neutral, on_plain = exposure.neutral(jnp.ones(3)), jnp.array(plain)
    return alignment.problem(
        seen, toy.queries[0], toy.camera, CENTER, neutral, on_plain, 0.5
    )


@jax.jit
def by_xla(problem: Problem, starts: jax.Array, steps: int) -> Descent:
    evaluate = functools.partial(alignment.equations, problem)

    def one(start: jax.Array) -> Descent:
        return descent.descend(evaluate, problem.camera, CENTER, start, steps)

    return jax.vmap(one)(starts)


@jax.jit
def by_kernels(problem: Problem, starts: jax.Array, steps: int) -> Descent:
    def one(start: jax.Array) -> Descent:
        return kernels.descend(problem, start, steps, interpret=True)

    return jax.vmap(one)(starts)


@pytest.mark.parametrize("plain", [True, False])
def test_kernels_find_what_xla_finds(toy: Toy, plain: bool) -> None:
    # Two blocks and a part of one, of rows that are no part of a block.
    problem = problem_of(toy, plain, 37, 29)
    pose = motion.moved(problem.template.camera, -AWAY, CENTER).camera_from_world
    starts = jnp.stack([pose, jnp.full((4, 4), jnp.nan)])
    expected, found = (run(problem, starts, 0) for run in (by_xla, by_kernels))
    unit = jnp.sqrt(jnp.diagonal(expected.matrix[0]))
    off = (found.matrix[0] - expected.matrix[0]) / unit / unit[:, None]
    assert float(jnp.abs(off).max()) <= ROUNDING
    np.testing.assert_allclose(found.cost[0], expected.cost[0], rtol=ROUNDING)
    expected, found = (run(problem, starts, 3) for run in (by_xla, by_kernels))
    np.testing.assert_array_equal(found.finite, [True, False])
    np.testing.assert_allclose(found.pose[0], expected.pose[0], atol=1e-5)
    np.testing.assert_allclose(found.move[0], expected.move[0], rtol=1e-2)
    np.testing.assert_allclose(found.cost[0], expected.cost[0], rtol=1e-4)


def test_kernels_lower_for_cuda_alone_and_batched(toy: Toy) -> None:
    problem = problem_of(toy, True, 37, 29)

    def run(problem: Problem, start: jax.Array) -> jax.Array:
        return kernels.descend(problem, start, 2, interpret=False).pose

    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), (problem, toy.truth[0]))
    texts = [
        cubins.for_cuda(run, problem, toy.truth[0]),
        cubins.for_cuda(jax.vmap(run), *batch),
    ]
    for text in texts:
        for name in ("alignment", "descent"):
            assert f'"{name}"' in text.replace("\\22", '"')
