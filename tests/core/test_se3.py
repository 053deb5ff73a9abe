"""Rigid motions against jaxlie, closed forms and finite differences."""

import math

import jax
import jax.numpy as jnp
import jaxlie
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsplat.core import se3

exp = jax.jit(se3.exp)
exp_jacobian = jax.jit(jax.jacfwd(se3.exp))
jaxlie_exp = jax.jit(lambda x: jaxlie.SE3.exp(x).as_matrix())
ANGLES = [0.0, 1e-12, 1e-6, 1e-3, 0.02, 0.3, 0.499, 0.501, 1.0, 2.5, 3.1, 3.1415]


def twist(seed: int, angle: float) -> np.ndarray:
    """Returns a random twist whose rotation vector has the given length."""
    values = np.random.default_rng(seed).normal(size=6)
    values[3:] *= angle / np.linalg.norm(values[3:])
    return values


def float32(values: np.ndarray) -> jax.Array:
    return jnp.asarray(values, dtype=jnp.float32)


@pytest.mark.parametrize("angle", ANGLES)
def test_exp_equals_the_matrix_exponential(angle: float) -> None:
    for seed in range(5):
        values = twist(seed, angle)
        generator = np.zeros((4, 4))
        generator[:3, :3] = se3.skew(float32(values[3:]))
        generator[:3, 3] = values[:3]
        expected = scipy.linalg.expm(generator)
        np.testing.assert_allclose(exp(float32(values)), expected, atol=1e-6)


@pytest.mark.parametrize("angle", ANGLES)
def test_exp_equals_jaxlie(angle: float) -> None:
    # jaxlie leaves out the linear term of the shift below 1e-5 rad: up to 2e-6 here.
    for seed in range(5):
        values = twist(seed, angle)
        with jax.enable_x64(True):
            expected = np.asarray(jaxlie_exp(jnp.asarray(values)))
        np.testing.assert_allclose(exp(float32(values)), expected, atol=2e-6)


@pytest.mark.parametrize("angle", ANGLES)
def test_float32_jacobian_of_exp_equals_finite_differences(angle: float) -> None:
    values = twist(1, angle)
    step = 1e-6
    with jax.enable_x64(True):
        columns = [
            np.asarray(exp(jnp.asarray(values + shift)))
            - np.asarray(exp(jnp.asarray(values - shift)))
            for shift in step * np.eye(6)
        ]
        expected = np.stack(columns, axis=-1) / (2 * step)
        exact = np.asarray(exp_jacobian(jnp.asarray(values)))
    np.testing.assert_allclose(exact, expected, atol=1e-8)
    np.testing.assert_allclose(exp_jacobian(float32(values)), expected, atol=1e-6)


def test_float32_gradient_of_exp_keeps_its_digits_at_small_angles() -> None:
    # Closed forms at 0.02 rad had lost four digits of the gradient.
    for angle in np.geomspace(1e-3, 1.0, 30):
        values = twist(2, angle).astype(np.float32)
        with jax.enable_x64(True):
            expected = np.asarray(exp_jacobian(jnp.asarray(values, jnp.float64)))
        np.testing.assert_allclose(exp_jacobian(values), expected, atol=1e-6)


def test_reverse_mode_of_exp_is_finite_at_zero() -> None:
    jacobian = jax.jit(jax.jacrev(se3.exp))(jnp.zeros(6))
    np.testing.assert_array_equal(jacobian, exp_jacobian(jnp.zeros(6)))
    # The generators: columns 0 to 2 shift along the axes, 3 to 5 turn about them.
    np.testing.assert_array_equal(jacobian[:3, 3, :3], np.eye(3))
    np.testing.assert_array_equal(jacobian[:3, :3, 5], [[0, -1, 0], [1, 0, 0], [0] * 3])


def test_inverse() -> None:
    motion = exp(float32(twist(0, 1.3)))
    np.testing.assert_allclose(se3.inverse(motion) @ motion, np.eye(4), atol=1e-6)


def test_about_leaves_the_center_in_place() -> None:
    center = jnp.array([1.0, -2.0, 3.0])
    turn = exp(jnp.array([0.0, 0.0, 0.0, 0.3, -0.8, 0.5]))
    moved = se3.about(turn, center)
    np.testing.assert_allclose(moved[:3, :3] @ center + moved[:3, 3], center, atol=1e-6)
    np.testing.assert_array_equal(moved[:3, :3], turn[:3, :3])


def test_ten_thousand_increments_stay_orthonormal() -> None:
    steps = jax.random.normal(jax.random.key(0), (10_000, 6)) * 0.05

    def move(pose: jax.Array, step: jax.Array) -> tuple[jax.Array, None]:
        return se3.orthonormalize(se3.matmul(se3.exp(step), pose)), None

    pose, _ = jax.jit(lambda x: jax.lax.scan(move, jnp.eye(4), x))(steps)
    rotation = np.asarray(pose[:3, :3], dtype=np.float64)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert math.isclose(np.linalg.det(rotation), 1.0, abs_tol=1e-5)
    np.testing.assert_array_equal(pose[3], [0, 0, 0, 1])


def test_orthonormalize_keeps_a_rotation_and_repairs_drift() -> None:
    pose = exp(float32(twist(4, 2.0)))
    np.testing.assert_allclose(se3.orthonormalize(pose), pose, atol=1e-6)
    drifted = pose.at[:3, :3].multiply(1.01)
    np.testing.assert_allclose(se3.orthonormalize(drifted), pose, atol=1e-6)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=6, max_size=6))
def test_exp_is_rigid_for_any_twist(values: list[float]) -> None:
    motion = np.asarray(exp(float32(np.array(values))), dtype=np.float64)
    rotation = motion[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert np.isfinite(exp_jacobian(float32(np.array(values)))).all()
