"""What is special to Levenberg-Marquardt: stages, defects, exposure, several starts."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat import pose
from jaxsplat.core import cameras, resampling, se3
from jaxsplat.data.background import TOLERANCE
from jaxsplat.errors import ConfigError
from jaxsplat.pose import Outcome, PoseEstimate
from jaxsplat.pose.refine import lm
from jaxsplat.rendering import api as render
from jaxsplat.rendering.twin import Twin
from tests.pose.conftest import CAPACITY, DISTANCE, TWIST, Toy

STAGES = (pose.Stage(2, 2, 6, 1.0), pose.Stage(1, 2, 4, 0.25))


def solve(
    toy: Toy, queries: jax.Array, starts: jax.Array, polish: int = 0
) -> PoseEstimate:
    return pose.Lm(STAGES, polish)(toy.twin, (), pose.on_plain(queries), starts)


def degrees(found: jax.Array, truth: jax.Array) -> np.ndarray:
    rotations = found[:, :3, :3] @ jnp.swapaxes(truth[:, :3, :3], 1, 2)
    return np.degrees(Rotation.from_matrix(rotations).magnitude())


# Degrees: 0.05 pixels at the rim of the cloud, which is a mist without the surface that
# an alignment takes it for.
NEAR = 0.1


def test_poses_of_good_queries_are_found(toy: Toy) -> None:
    assert degrees(toy.starts[:, 0], toy.truth).min() > 4
    found = solve(toy, toy.queries, toy.starts)
    assert degrees(found.camera_from_world, toy.truth).max() < NEAR
    gap = found.camera_from_world - toy.truth
    assert float(jnp.abs(gap[:, :3, 3]).max()) < 0.003 * DISTANCE
    assert (np.asarray(found.outcome) == Outcome.CONVERGED).all()
    assert (found.steps == 20).all()


@pytest.mark.slow
def test_polish_minimises_the_cost_of_the_render_itself(toy: Toy) -> None:
    aligned = solve(toy, toy.queries, toy.starts)
    polished = solve(toy, toy.queries, toy.starts, polish=4)
    before, after = (
        degrees(found.camera_from_world, toy.truth) for found in (aligned, polished)
    )
    assert after.max() < 0.5 * before.max()
    assert (polished.steps == aligned.steps + 4).all()


def test_a_defect_does_not_pull_the_pose(toy: Toy) -> None:
    marred = toy.queries.at[:, 20:28, 20:28].set(jnp.array([0.0, 1.0, 0.0]))
    robust = solve(toy, marred, toy.starts)
    trusting = pose.Lm(tuple(dataclasses.replace(s, scale=1e3) for s in STAGES))
    plain = trusting(toy.twin, (), pose.on_plain(marred), toy.starts)
    errors = [degrees(f.camera_from_world, toy.truth).max() for f in (robust, plain)]
    assert errors[0] < 0.5 and errors[0] < 0.5 * errors[1]


def test_farther_objects_are_rendered_as_small_as_they_are_seen(toy: Toy) -> None:
    # Seen at 1.5 times the distance, what the cloud's own rate shows is averaged.
    fitted = float(toy.camera.fx) / DISTANCE
    truth = toy.truth.at[:, 2, 3].multiply(1.5)
    large = cameras.resized(toy.camera, 72, 72)
    photos = jnp.stack(
        [
            render.render(
                toy.gaussians,
                cameras.with_pose(large, matrix),
                background=jnp.ones(3),
                capacity=2 * CAPACITY,
            ).color
            for matrix in truth
        ]
    )
    queries = resampling.area_resize(photos, 48, 48)
    starts = truth[:, None] @ se3.exp(0.5 * jnp.array(TWIST))
    errors = []
    # As fitted, and as if it had been fitted from as far away.
    for rate in (fitted, fitted / 1.5):
        twin = dataclasses.replace(toy.twin, sampling_rate=jnp.float32(rate))
        found = pose.Lm(STAGES)(twin, (), pose.on_plain(queries), starts)
        gap = found.camera_from_world[:, 2, 3] - truth[:, 2, 3]
        errors.append(float(jnp.abs(gap).max()))
    assert errors[0] < 0.003 * 1.5 * DISTANCE
    assert errors[0] < 0.3 * errors[1]


# Where a photograph is overexposed it tells less: 0.15 pixels at the rim.
@pytest.mark.parametrize(("brightness", "near"), [(0.8, 0.2), (1.2, 0.3)])
def test_brightness_does_not_pull_the_pose(
    toy: Toy, brightness: float, near: float
) -> None:
    seen = jnp.clip(brightness * toy.queries, 0.0, 1.0)
    found = solve(toy, seen, toy.starts)
    assert degrees(found.camera_from_world, toy.truth).max() < near


def test_the_exposure_is_found(toy: Toy) -> None:
    gain, offset = jnp.array([0.8, 0.9, 0.7]), jnp.array([0.02, 0.0, 0.05])
    plain = solve(toy, toy.queries, toy.starts).exposure
    np.testing.assert_allclose(plain.gain, 1.0, atol=0.03)
    np.testing.assert_allclose(plain.offset, 0.0, atol=0.02)
    seen = solve(toy, gain * toy.queries + offset, toy.starts).exposure
    # Gain and offset stand for one another where colours are alike: what they make of
    # a colour counts. Bright ones change by .08 to .19.
    for color in (0.2, 0.5, 0.8):
        shown = seen.gain * color + seen.offset
        expected = jnp.tile(gain * color + offset, (3, 1))
        np.testing.assert_allclose(shown, expected, atol=0.03)
    white = jnp.tile(gain + offset, (3, 1))
    # As far as the border is plain: the rim of one object reaches it.
    np.testing.assert_allclose(seen.background, white, atol=TOLERANCE)


def with_double(toy: Toy, live: bool) -> Twin:
    """Returns the cloud and its double, turned by half about z, which may be unseen."""
    cloud = toy.gaussians
    turned = dataclasses.replace(
        cloud,
        means=cloud.means * jnp.array([-1.0, -1.0, 1.0]),
        # (0, 0, 0, 1) times the rotation's quaternion.
        quats=jnp.stack(
            [
                -cloud.quats[:, 3],
                -cloud.quats[:, 2],
                cloud.quats[:, 1],
                cloud.quats[:, 0],
            ],
            axis=1,
        ),
        live=jnp.full_like(cloud.live, live),
    )
    both = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), cloud, turned)
    return dataclasses.replace(toy.twin, gaussians=both, capacity=2 * CAPACITY)


def solve_from_three(twin: Twin, queries: jax.Array, starts: jax.Array) -> PoseEstimate:
    """Returns the best of three starts, by one program for all twins with a double."""
    return pose.Lm(STAGES)(twin, (), pose.on_plain(queries), starts)


def test_the_best_of_several_starts_goes_on(toy: Toy) -> None:
    away = jnp.stack([toy.truth[1], toy.truth[2], toy.truth[0]])[:, None]
    broken = jnp.full_like(toy.starts, jnp.nan)
    starts = jnp.concatenate([broken, away, toy.starts], 1)
    found = solve_from_three(with_double(toy, live=False), toy.queries, starts)
    assert degrees(found.camera_from_world, toy.truth).max() < NEAR
    assert (np.asarray(found.outcome) == Outcome.CONVERGED).all()


def test_symmetric_objects_are_ambiguous(toy: Toy) -> None:
    # With its double the cloud looks the same from behind.
    twin = with_double(toy, live=True)
    half = jnp.diag(jnp.array([-1.0, -1.0, 1.0, 1.0]))
    queries = jnp.stack([photographed(twin, pose) for pose in toy.truth])
    broken = jnp.full_like(toy.starts, jnp.nan)
    starts = jnp.concatenate([broken, toy.starts, toy.starts @ half], 1)
    found = solve_from_three(twin, queries, starts)
    assert (np.asarray(found.outcome) == Outcome.AMBIGUOUS).all()


def photographed(twin: Twin, pose: jax.Array) -> jax.Array:
    camera = cameras.with_pose(twin.camera, pose)
    drawn = render.render(
        twin.gaussians, camera, background=jnp.ones(3), capacity=twin.capacity
    )
    return drawn.color


def test_failures_are_told_query_by_query(toy: Toy) -> None:
    queries = toy.queries.at[0].set(1.0)
    starts = toy.starts.at[1].set(jnp.nan)
    found = solve(toy, queries, starts)
    assert int(found.outcome[0]) == Outcome.OUT_OF_VIEW
    assert int(found.outcome[1]) == Outcome.NONFINITE
    assert not np.isfinite(float(found.loss[1]))
    assert degrees(found.camera_from_world[2:], toy.truth[2:]).max() < NEAR


def test_covariance_is_that_of_the_noise(toy: Toy) -> None:
    noise = 0.02 * jax.random.normal(jax.random.key(0), (9, 48, 48, 3))
    noisy, truth = toy.queries[:1] + noise, jnp.tile(toy.truth[:1, None], (3, 1, 1, 1))
    # As many at once as everywhere else: one program.
    found = [solve(toy, noisy[first : first + 3], truth) for first in (0, 3, 6)]
    covariances = np.concatenate([one.covariance for one in found])
    poses = np.concatenate([one.camera_from_world for one in found])
    expected = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)).mean(0)
    seen = poses[:, :3, 3].std(axis=0)
    # Nine draws only, and residuals that interpolation smoothed.
    assert (seen < 5 * expected[:3]).all() and (seen > expected[:3] / 3).all()
    assert (np.linalg.eigvalsh(covariances) > 0).all()


def test_starts_too_far_away_are_turned(toy: Toy) -> None:
    off = se3.exp(jnp.array([0.0, 0.0, 0.0, 0.55, -0.55, 0.55]))
    here = [se3.apply(pose, toy.twin.center) for pose in toy.truth]
    starts = jnp.stack(
        [se3.matmul(se3.about(off, at), p) for at, p in zip(here, toy.truth)]
    )[:, None]
    errors = [
        degrees(
            pose.Lm(STAGES, turns=turns)(
                toy.twin, (), pose.on_plain(toy.queries), starts
            ).camera_from_world,
            toy.truth,
        )
        for turns in (1, 24)
    ]
    assert errors[0].min() > 20 and errors[1].max() < NEAR


def test_one_program_without_transfers(toy: Toy) -> None:
    solve(toy, toy.queries, toy.starts)
    twin = toy.twin
    darker = pose.on_plain(toy.queries * 0.5)
    before = lm._refine._cache_size()
    with jax.transfer_guard("disallow"):
        found = lm._refine(pose.Lm(STAGES), twin, darker, toy.starts)
        jax.block_until_ready(found)
    assert lm._refine._cache_size() == before


@pytest.mark.parametrize("plan", [pose.stages_for, pose.patient_stages])
@pytest.mark.parametrize("side", [20, 64, 99, 100, 200, 400, 800])
def test_stages_go_from_thumbnails_to_the_whole(
    plan: Callable[[int, int], tuple[pose.Stage, ...]], side: int
) -> None:
    stages = plan(side, side // 2)
    assert stages[-1].shrink == stages[-1].keep == 1
    assert stages[0].shrink == 1 or 50 <= side // stages[0].shrink < 100
    scales = [stage.scale for stage in stages]
    assert scales == sorted(scales, reverse=True)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="stages: found none"):
        pose.Lm(())
    with pytest.raises(ConfigError, match="polish: found -1"):
        pose.Lm(polish=-1)
    with pytest.raises(ConfigError, match="together: found 0"):
        pose.Lm(together=0)
    with pytest.raises(ConfigError, match="turns: found 0"):
        pose.Lm(turns=0)
    for change in (
        {"shrink": 0},
        {"steps": -1},
        {"scale": 0.0},
        {"keep": 0},
        {"renders": 0},
    ):
        with pytest.raises(ConfigError, match="expected shrink, renders and keep"):
            dataclasses.replace(STAGES[0], **change)
