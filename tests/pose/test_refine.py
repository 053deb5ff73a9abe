"""The contract of every pose solver, and what is special to each."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat import pose
from jaxsplat.core import cameras, se3
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError
from jaxsplat.pose import Outcome, PoseEstimate
from jaxsplat.pose.refine import adam_screw
from jaxsplat.rendering.twin import Twin
from tests.pose.conftest import CAPACITY, DISTANCE, Toy

Solver = Callable[..., PoseEstimate]
STEPS, FEW = 60, 20
ENDED_WELL = (Outcome.CONVERGED, Outcome.MAX_STEPS)


def adam(toy: Toy, queries: Any, starts: Any, **settings: Any) -> PoseEstimate:
    """Returns the estimates of `adam_screw` with few steps."""
    settings = {"steps": STEPS, **settings}
    solver = pose.AdamScrew(**settings)
    return solver(toy.twin, screw_state(3), pose.on_plain(queries), starts)


def screw_state(seed: int) -> pose.ScrewState:
    """Returns the state of `adam_screw`, for the toy's lists."""
    start = adam_screw.START_DEVIATION * jax.random.normal(jax.random.key(seed), (7,))
    return pose.ScrewState(start, CAPACITY, CAPACITY)


def lm(toy: Toy, queries: Any, starts: Any, **settings: Any) -> PoseEstimate:
    """Returns the estimates of `lm` by alignments at the queries' size.

    Each number of steps is a program of its own, so most tests take the same; every
    render of a stage makes it longer to compile.
    """
    steps = settings.get("steps", FEW)
    solver = pose.Lm((pose.Stage(1, 2, steps // 2, 1.0),))
    return solver(toy.twin, (), pose.on_plain(queries), starts)


SOLVERS = [adam, lm]
# Steps that lead each of them to the true poses.
ENOUGH = {adam: 300, lm: FEW}


@pytest.fixture(params=SOLVERS, ids=lambda solver: solver.__name__)
def solve(request: pytest.FixtureRequest) -> Solver:
    return request.param


def errors(found: jax.Array, truth: jax.Array) -> tuple[np.ndarray, np.ndarray]:
    """Returns rotation errors in degrees, shifts of the eye as share of distance."""
    turns = found[:, :3, :3] @ jnp.swapaxes(truth[:, :3, :3], 1, 2)
    eye = jax.vmap(lambda a: se3.inverse(a)[:3, 3])
    shift = jnp.linalg.norm(eye(found) - eye(truth), axis=1) / DISTANCE
    return np.degrees(Rotation.from_matrix(turns).magnitude()), np.asarray(shift)


def start_losses(toy: Toy, solve: Solver) -> np.ndarray:
    """Returns the losses before any step."""
    return np.asarray(solve(toy, toy.queries, toy.starts, steps=0).loss)


def test_recovers_a_small_motion(toy: Toy, solve: Solver) -> None:
    before, _ = errors(toy.starts[:, 0], toy.truth)
    assert before.min() > 4.5
    found = solve(toy, toy.queries, toy.starts, steps=ENOUGH[solve])
    rotation, shift = errors(found.camera_from_world, toy.truth)
    assert rotation.max() < 0.5
    assert shift.max() < 0.005
    assert (np.asarray(found.loss) < 0.15 * start_losses(toy, solve)).all()
    assert (found.steps == ENOUGH[solve]).all()
    assert (found.needed <= CAPACITY).all()


def test_result_is_rigid_and_never_worse_than_the_start(
    toy: Toy, solve: Solver
) -> None:
    found = solve(toy, toy.queries, toy.starts)
    rotations = np.asarray(found.camera_from_world[:, :3, :3])
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1),
        np.tile(np.eye(3), (3, 1, 1)),
        atol=1e-5,
    )
    assert (np.asarray(found.loss) <= start_losses(toy, solve)).all()


def test_batch_is_the_loop_and_the_best_of_several_starts_wins(
    toy: Toy, solve: Solver
) -> None:
    together = solve(toy, toy.queries, toy.starts, steps=FEW)
    far = jnp.roll(toy.truth, 1, axis=0)[:, None]
    starts = jnp.concatenate([far, toy.starts], axis=1)
    alone = [
        solve(toy, toy.queries[i : i + 1], starts[i : i + 1], steps=FEW, keep=5)
        for i in range(3)
    ]
    loop = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *alone)
    # Sums are taken in another order, and Adam divides by the small gradients of the
    # saddle; the worst seen is 2.2e-4, where the poses have moved by 1e-1.
    np.testing.assert_allclose(
        loop.camera_from_world, together.camera_from_world, atol=1e-3
    )
    np.testing.assert_allclose(loop.loss, together.loss, rtol=1e-2)
    np.testing.assert_array_equal(loop.outcome, together.outcome)


def test_no_steps_give_the_start_of_lowest_loss(toy: Toy, solve: Solver) -> None:
    starts = jnp.concatenate([toy.starts, toy.truth[:, None]], axis=1)
    found = solve(toy, toy.queries, starts, steps=0)
    np.testing.assert_allclose(found.camera_from_world, toy.truth, atol=1e-5)
    assert (found.steps == 0).all()
    assert set(found.outcome.tolist()) <= set(ENDED_WELL)


def test_settled_search_says_so(toy: Toy, solve: Solver) -> None:
    found = solve(toy, toy.queries, toy.truth[:, None])
    assert (found.outcome == Outcome.CONVERGED).all()


def test_bad_queries_harm_only_themselves(toy: Toy, solve: Solver) -> None:
    queries = toy.queries.at[0, 5, 7, 1].set(jnp.nan).at[1].set(1.0)
    found = solve(toy, queries, toy.starts, steps=FEW)
    assert found.outcome.tolist()[:2] == [Outcome.NONFINITE, Outcome.OUT_OF_VIEW]
    assert int(found.outcome[2]) in ENDED_WELL
    np.testing.assert_allclose(
        found.camera_from_world[:2], toy.starts[:2, 0], atol=1e-4
    )
    assert np.isfinite(found.loss[1:]).all()
    clean = solve(toy, toy.queries, toy.starts, steps=FEW)
    np.testing.assert_allclose(found.loss[2], clean.loss[2], rtol=1e-3)


def test_bad_starts_harm_only_themselves(toy: Toy, solve: Solver) -> None:
    away = se3.exp(jnp.array([0.0, 30.0, 0.0, 0.0, 0.0, 0.0])) @ toy.truth[1]
    starts = toy.starts.at[0].set(jnp.nan).at[1, 0].set(away)
    found = solve(toy, toy.queries, starts, steps=FEW)
    assert found.outcome.tolist()[:2] == [Outcome.NONFINITE, Outcome.OUT_OF_VIEW]
    assert int(found.outcome[2]) in ENDED_WELL
    np.testing.assert_allclose(found.camera_from_world[1], away, atol=1e-4)
    assert np.isfinite(found.loss[1:]).all()


def test_a_bad_start_gives_way_to_a_good_one(toy: Toy, solve: Solver) -> None:
    starts = jnp.concatenate([jnp.full_like(toy.starts, jnp.nan), toy.starts], axis=1)
    found = solve(toy, toy.queries, starts, steps=FEW)
    alone = solve(toy, toy.queries, toy.starts, steps=FEW)
    np.testing.assert_allclose(found.loss, alone.loss, rtol=1e-3)


def test_one_program_without_transfers(toy: Toy) -> None:
    scene = toy.scene()
    few, more = jnp.int32(2), jnp.int32(3)
    start = screw_state(0).parameters
    darker = toy.queries * 0.5
    settings: dict[str, Any] = {"published": False, "keep": 1, "together": 8}
    run = functools.partial(adam_screw.refine_scene, **settings)
    jax.block_until_ready(run(scene, toy.queries, toy.starts, start, few))
    before = adam_screw.refine_scene._cache_size()
    with jax.transfer_guard("disallow"):
        found = run(scene, darker, toy.starts, start, more)
        jax.block_until_ready(found)
    assert (found.steps == 3).all()
    assert adam_screw.refine_scene._cache_size() == before


def test_lists_that_overflow_are_told(toy: Toy, solve: Solver) -> None:
    complete = solve(toy, toy.queries, toy.starts, steps=0)
    assert (np.asarray(complete.needed) <= CAPACITY).all()
    cramped = Cramped(**vars(toy))
    found = solve(cramped, toy.queries, toy.starts, steps=0)
    assert (np.asarray(found.needed) > cramped.twin.capacity).all()


class Cramped(Toy):
    """The toy with lists that are too short."""

    @property
    def twin(self) -> Twin:
        return dataclasses.replace(super().twin, capacity=256)


def test_smaller_renders_tell_their_lists_in_the_twins_terms(toy: Toy) -> None:
    views = [View("a", np.zeros((48, 48, 3), np.float32), camera=toy.camera)]
    turned = cameras.with_pose(toy.camera, toy.truth[0])
    views[0] = dataclasses.replace(views[0], camera=turned)
    solver = pose.AdamScrew(steps=0, side=24)
    state = solver.prepare(toy.twin, views, jax.random.key(0))
    assert state.planned == CAPACITY
    found = solver(toy.twin, state, pose.on_plain(toy.queries), toy.starts)
    assert (np.asarray(found.needed) <= CAPACITY).all()
    half = dataclasses.replace(toy.twin, capacity=CAPACITY // 8)
    found = solver(half, state, pose.on_plain(toy.queries), toy.starts)
    assert (np.asarray(found.needed) > half.capacity).all()


def test_wrong_settings_are_named() -> None:
    for field, value in [
        ("steps", -1),
        ("ssim_weight", 1.5),
        ("keep", 0),
        ("side", 0),
        ("together", 0),
    ]:
        with pytest.raises(ConfigError, match=f"{field}: found"):
            dataclasses.replace(pose.AdamScrew(), **{field: value})


def test_every_outcome_has_a_sentence() -> None:
    assert set(pose.OUTCOME_TEXT) == set(Outcome)
