"""Quaternions against SciPy's rotations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat.core import quaternions

to_rotation = jax.jit(quaternions.to_rotation)
jacobian = jax.jit(jax.jacrev(quaternions.to_rotation))
QUATS = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)


def scipy_rotation(quats: np.ndarray) -> Rotation:
    return Rotation.from_quat(quats, scalar_first=True)


@pytest.mark.parametrize("scale", [1.0, -1.0, 1e-6, 1e6])
def test_rotation_equals_scipy_for_any_norm_and_sign(scale: float) -> None:
    found = to_rotation(jnp.asarray(QUATS * np.float32(scale)))
    expected = scipy_rotation(QUATS.astype(np.float64)).as_matrix()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_opposite_quaternions_give_the_same_bits() -> None:
    quats = jnp.asarray(QUATS)
    np.testing.assert_array_equal(to_rotation(quats), to_rotation(-quats))


def test_zero_quaternion_is_the_identity_with_finite_gradient() -> None:
    zero = jnp.zeros(4)
    np.testing.assert_array_equal(quaternions.normalize(zero), [1, 0, 0, 0])
    np.testing.assert_array_equal(to_rotation(zero), np.eye(3))
    assert np.isfinite(jacobian(zero)).all()


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e-19, 1e18, 1e19, 1e30])
def test_extreme_norms_give_rotations_and_finite_gradients(size: float) -> None:
    quat = jnp.array([0.1, -0.5, 0.7, 0.3]) * size
    rotation = np.asarray(to_rotation(quat))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert np.isfinite(jacobian(quat)).all()


def test_normalize_keeps_direction() -> None:
    unit = np.asarray(quaternions.normalize(jnp.asarray(QUATS)))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(
        unit * np.linalg.norm(QUATS, axis=1, keepdims=True), QUATS, rtol=1e-5
    )


def test_quaternions_of_rotations_come_back_at_any_angle() -> None:
    axes = QUATS[:, 1:] / np.linalg.norm(QUATS[:, 1:], axis=1, keepdims=True)
    for angle in (0.0, 1e-4, 1.0, np.pi - 1e-4, np.pi):
        rotations = Rotation.from_rotvec(angle * axes.astype(np.float64)).as_matrix()
        found = quaternions.from_rotation(jnp.asarray(rotations, jnp.float32))
        assert (found[:, 0] >= 0).all()
        np.testing.assert_allclose(to_rotation(found), rotations, atol=2e-6)
