"""Levenberg-Marquardt on poses that are known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import se3
from jaxsplat.errors import ConfigError
from jaxsplat.pose import Outcome, PoseEstimate
from tests.pose.conftest import CAPACITY, Toy

STAGES = (pose.Stage(2, 8, 1.0), pose.Stage(1, 6, 0.3))


def solve(toy: Toy, queries: jax.Array, starts: jax.Array) -> PoseEstimate:
    config = pose.LmConfig(STAGES)
    return pose.refine_lm(
        toy.gaussians, toy.camera, queries, starts, config=config, capacity=CAPACITY
    )


def degrees(found: jax.Array, truth: jax.Array) -> np.ndarray:
    rotations = found[:, :3, :3] @ jnp.swapaxes(truth[:, :3, :3], 1, 2)
    return np.degrees([float(se3.rotation_angle(r)) for r in rotations])


def test_poses_of_good_queries_are_found(toy: Toy) -> None:
    assert degrees(toy.starts[:, 0], toy.truth).min() > 4
    found = solve(toy, toy.queries, toy.starts)
    assert degrees(found.camera_from_world, toy.truth).max() < 0.02
    gap = found.camera_from_world - toy.truth
    assert float(jnp.abs(gap[:, :3, 3]).max()) < 0.002
    assert (np.asarray(found.outcome) == Outcome.CONVERGED).all()
    rotations = found.camera_from_world[:, :3, :3]
    squares = rotations @ jnp.swapaxes(rotations, 1, 2)
    np.testing.assert_allclose(squares, np.tile(np.eye(3), (3, 1, 1)), atol=1e-5)


def test_a_defect_does_not_pull_the_pose(toy: Toy) -> None:
    marred = toy.queries.at[:, 20:28, 20:28].set(jnp.array([0.0, 1.0, 0.0]))
    found = solve(toy, marred, toy.starts)
    assert degrees(found.camera_from_world, toy.truth).max() < 0.3


def test_the_best_of_several_starts_goes_on(toy: Toy) -> None:
    away = jnp.stack([toy.truth[1], toy.truth[2], toy.truth[0]])[:, None]
    broken = jnp.full_like(toy.starts, jnp.nan)
    found = solve(toy, toy.queries, jnp.concatenate([broken, away, toy.starts], 1))
    assert degrees(found.camera_from_world, toy.truth).max() < 0.02


def test_failures_are_told_query_by_query(toy: Toy) -> None:
    queries = toy.queries.at[0].set(1.0)
    starts = toy.starts.at[1].set(jnp.nan)
    found = solve(toy, queries, starts)
    assert int(found.outcome[0]) == Outcome.OUT_OF_VIEW
    assert int(found.outcome[1]) == Outcome.NONFINITE
    assert not np.isfinite(float(found.loss[1]))
    assert degrees(found.camera_from_world[2:], toy.truth[2:]).max() < 0.02


def test_one_program_without_transfers(toy: Toy) -> None:
    solve(toy, toy.queries, toy.starts)
    arguments = jax.device_put((toy.queries * 0.5, toy.starts))
    with jax.transfer_guard("disallow"):
        jax.block_until_ready(_again(toy, *arguments))


def _again(toy: Toy, queries: jax.Array, starts: jax.Array) -> PoseEstimate:
    from jaxsplat.pose import lm

    zeros, ones = _CONSTANTS
    before = lm._refine._cache_size()
    found = lm._refine(
        toy.gaussians,
        toy.camera,
        queries,
        starts,
        zeros,
        ones,
        pose.LmConfig(STAGES),
        None,
        CAPACITY,
        1.0,
    )
    assert lm._refine._cache_size() == before
    return found


_CONSTANTS = jnp.zeros(3), jnp.ones(3)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="stages: found none"):
        pose.LmConfig(())
    for change in ({"shrink": 0}, {"steps": -1}, {"scale": 0.0}, {"keep": 0}):
        with pytest.raises(ConfigError, match="expected shrink and keep"):
            dataclasses.replace(STAGES[0], **change)
