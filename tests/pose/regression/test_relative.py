"""Relative poses: equation 1 as printed, and what its words say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import quaternions, se3
from jaxsplat.pose.regression import relative

CENTER = jnp.array([0.3, -0.2, 0.1], jnp.float32)
KINDS = ("rigid", "printed", "centered")


def pose(seed: int) -> jax.Array:
    rng = np.random.default_rng(seed)
    motion = se3.exp(jnp.asarray(rng.normal(size=6), jnp.float32))
    return motion.at[:3, 3].add(jnp.array([0, 0, 4], jnp.float32))


@pytest.mark.parametrize("translation", KINDS)
def test_the_second_pose_comes_back(translation) -> None:
    for seed in range(5):
        first, second = pose(seed), pose(seed + 10)
        found = relative.relative(first, second, CENTER, translation)
        again = relative.moved(first, *found, CENTER, translation)
        np.testing.assert_allclose(again, second, atol=1e-5)


def test_the_rigid_one_carries_the_first_cameras_axes_to_the_seconds() -> None:
    first, second = pose(1), pose(2)
    turn, shift = relative.relative(first, second, CENTER)
    point = jnp.array([0.4, 0.5, -0.6], jnp.float32)
    seen = quaternions.to_rotation(turn) @ se3.apply(first, point) + shift
    np.testing.assert_allclose(seen, se3.apply(second, point), atol=1e-5)


def test_the_printed_one_does_not() -> None:
    """Equation 1's R1 (t2 - t1) has another length and another direction."""
    first, second = pose(1), pose(2)
    rotation = np.asarray(first, np.float64)[:3, :3]
    change = np.asarray(second - first, np.float64)[:3, 3]
    turn, printed = relative.relative(first, second, CENTER, "printed")
    np.testing.assert_allclose(printed, rotation @ change, atol=1e-5)
    _, right = relative.relative(first, second, CENTER)
    assert np.linalg.norm(printed - right) > 1
    point = jnp.array([0.4, 0.5, -0.6], jnp.float32)
    seen = quaternions.to_rotation(turn) @ se3.apply(first, point) + printed
    assert np.linalg.norm(seen - se3.apply(second, point)) > 1


def test_an_orbit_moves_nothing_in_front_of_the_camera() -> None:
    first = pose(3)
    turn = se3.exp(jnp.array([0, 0, 0, 0.1, 0.2, -0.1], jnp.float32))
    second = se3.matmul(first, se3.about(turn, CENTER))
    _, shift = relative.relative(first, second, CENTER, "centered")
    np.testing.assert_allclose(shift, 0, atol=1e-5)


def test_a_quaternion_of_any_length_is_a_rotation() -> None:
    first = pose(4)
    turn, shift = relative.relative(first, pose(5), CENTER)
    for scale in (0.1, 7.0):
        again = relative.moved(first, scale * turn, shift, CENTER)
        np.testing.assert_allclose(again, pose(5), atol=1e-5)
