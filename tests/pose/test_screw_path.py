"""The paper's motion, loss and rates, against its formulas written out."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial

from jaxsplat import pose
from jaxsplat.core import cameras, quaternions, se3
from jaxsplat.fitting import losses
from jaxsplat.pose.refine import adam_screw, photometric, screw_path
from jaxsplat.rendering import api as render
from tests.pose.conftest import CAPACITY, Toy

PARAMETERS = jnp.array([0.2, -0.5, 0.3, 0.4, 0.1, -0.2, 0.3])


def test_rates_are_those_of_the_published_code() -> None:
    steps = jnp.arange(175)
    rates = jax.vmap(screw_path.learning_rate)(steps)
    # After step k the code sets .01 * .8^((k + 1) / 100) for the next one.
    expected = [0.001] + [0.01 * 0.8 ** ((k + 1) / 100) for k in range(174)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_motion_is_the_exponential_of_the_unit_screw() -> None:
    parameters = np.asarray(PARAMETERS, np.float64)
    axis = parameters[:3] / np.linalg.norm(parameters[:3])
    screw = np.zeros((4, 4))
    screw[:3, :3] = np.cross(axis, np.eye(3)).T
    screw[:3, 3] = parameters[3:6]
    expected = scipy.linalg.expm(screw * parameters[6])
    found = screw_path.motion(PARAMETERS, jnp.zeros(3))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_center_stays_put_without_moment() -> None:
    center = jnp.array([1.0, -2.0, 0.5])
    motion = screw_path.motion(PARAMETERS.at[3:6].set(0.0), center)
    moved = motion[:3, :3] @ center + motion[:3, 3]
    np.testing.assert_allclose(moved, center, atol=1e-6)


def test_published_motion_is_its_formula() -> None:
    w, v, theta = (np.asarray(p, np.float64) for p in jnp.split(PARAMETERS, [3, 6]))
    cross = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    square = cross @ cross
    rotation = np.eye(3) + np.sin(theta) * cross + (1 - np.cos(theta)) * square
    shift = np.eye(3) * theta + (1 - np.cos(theta)) * cross
    shift = shift + (theta - np.sin(theta)) * square
    points = np.random.default_rng(0).normal(size=(5, 3))
    expected = points @ rotation + shift @ v
    found = screw_path.motion(PARAMETERS, jnp.zeros(3), published=True)
    moved = points @ np.asarray(found[:3, :3]).T + np.asarray(found[:3, 3])
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_moving_the_camera_shows_what_moving_the_cloud_shows(toy: Toy) -> None:
    motion = screw_path.motion(PARAMETERS, jnp.array([0.1, 0.2, 0.0]))
    turned = scipy.spatial.transform.Rotation.from_matrix(
        motion[:3, :3] @ quaternions.to_rotation(toy.gaussians.quats)
    )
    moved = dataclasses.replace(
        toy.gaussians,
        means=toy.gaussians.means @ motion[:3, :3].T + motion[:3, 3],
        quats=jnp.asarray(np.roll(turned.as_quat(), 1, axis=-1), jnp.float32),
    )
    start = toy.truth[0]
    by_cloud, by_camera = (
        render.render(cloud, cameras.with_pose(toy.camera, at), capacity=CAPACITY).color
        for cloud, at in (
            (moved, start),
            (toy.gaussians, se3.matmul(start, motion)),
        )
    )
    assert np.abs(np.asarray(by_cloud)).max() > 0.5
    np.testing.assert_allclose(by_cloud, by_camera, atol=2e-4)


@pytest.mark.parametrize("published", [False, True])
def test_gradient_is_finite_at_the_saddle(toy: Toy, published: bool) -> None:
    scene = toy.scene()

    @jax.jit
    @jax.grad
    def gradient(parameters: jax.Array) -> jax.Array:
        motion = screw_path.motion(parameters, scene.twin.center, published)
        moved = se3.matmul(toy.starts[0, 0], motion)
        return photometric.look(scene, toy.queries[0], moved).loss

    near = adam_screw.START_DEVIATION * jax.random.normal(jax.random.key(0), (7,))
    assert np.isfinite(gradient(near)).all()
    np.testing.assert_array_equal(gradient(jnp.zeros(7)), np.zeros(7))


@pytest.mark.slow
def test_published_variant_recovers_a_motion_and_returns_a_rigid_pose(
    toy: Toy,
) -> None:
    solver = pose.AdamScrew(steps=175, published=True)
    start = adam_screw.START_DEVIATION * jax.random.normal(jax.random.key(3), (7,))
    state = pose.ScrewState(start, CAPACITY, CAPACITY)
    found = solver(toy.twin, state, pose.on_plain(toy.queries[:1]), toy.starts[:1])
    np.testing.assert_allclose(found.camera_from_world[0], toy.truth[0], atol=0.03)
    rotation = np.asarray(found.camera_from_world[0, :3, :3])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert np.isfinite(found.loss).all()


def test_loss_is_that_of_equation_7() -> None:
    image, query = jax.random.uniform(jax.random.key(0), (2, 16, 16, 3))
    absolute = losses.photometric(image, query, 0.0)
    similarity = losses.photometric(image, query, 1.0)
    np.testing.assert_allclose(absolute, np.abs(image - query).mean(), rtol=1e-6)
    both = losses.photometric(image, query, 0.2)
    np.testing.assert_allclose(both, 0.8 * absolute + 0.2 * similarity, rtol=1e-6)
    assert losses.photometric(image, image, 0.2) == pytest.approx(0, abs=1e-6)
