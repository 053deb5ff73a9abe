"""SplatPose's screw motions against the matrix exponential."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jaxsplat.core import screw, se3

screw_exp = jax.jit(screw.screw_exp)
screw_exp_published = jax.jit(screw.screw_exp_published)
VARIANTS = [screw_exp, screw_exp_published]
JACOBIANS = [jax.jit(jax.jacrev(v, argnums=(0, 1, 2))) for v in VARIANTS]


def parts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns a random unit axis and a random moment."""
    axis, moment = np.random.default_rng(seed).normal(size=(2, 3))
    return axis / np.linalg.norm(axis), moment


def matrix_exponential(
    axis: np.ndarray, moment: np.ndarray, angle: float
) -> np.ndarray:
    x, y, z = axis
    cross = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
    generator = np.vstack([np.column_stack([cross, moment]), np.zeros(4)])
    return scipy.linalg.expm(generator * angle)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("angle", [0.0, 1e-6, 1e-3, 0.3, 2.0, np.pi, -1.0, 7.0])
def test_unit_axis_gives_the_matrix_exponential(
    variant: Callable[..., jax.Array], angle: float
) -> None:
    for seed in range(3):
        axis, moment = parts(seed)
        found = variant(jnp.float32(axis), jnp.float32(moment), jnp.float32(angle))
        expected = matrix_exponential(axis, moment, angle)
        np.testing.assert_allclose(found, expected, atol=5e-6)


@pytest.mark.parametrize("length", [1e-6, 0.374, 3.0])
def test_axis_of_any_length_is_made_a_unit_vector(length: float) -> None:
    axis, moment = parts(0)
    motion = np.asarray(
        screw_exp(jnp.float32(length * axis), jnp.float32(moment), jnp.float32(0.5))
    )
    np.testing.assert_allclose(motion, matrix_exponential(axis, moment, 0.5), atol=1e-6)
    np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-6)
    assert np.linalg.det(motion[:3, :3]) == pytest.approx(1, abs=1e-6)


def test_published_variant_leaves_the_axis_as_it_is() -> None:
    axis = jnp.array([0.374, 0.0, 0.0])
    motion = screw_exp_published(axis, jnp.zeros(3), jnp.array(0.5))
    c = 1 - (1 - np.cos(0.5)) * 0.374**2
    s = np.sin(0.5) * 0.374
    np.testing.assert_allclose(
        motion[:3, :3], [[1, 0, 0], [0, c, -s], [0, s, c]], atol=1e-7
    )
    # Not a rotation; .9982 was measured for such an axis and angle.
    assert np.linalg.det(np.asarray(motion)) == pytest.approx(0.9982, abs=1e-4)


def test_translation_follows_the_axis_of_the_screw() -> None:
    # Moment = axis * pitch - axis x point: the point on the axis moves along it only.
    axis, point = parts(1)
    moment = -np.cross(axis, point) + 0.25 * axis
    motion = np.asarray(
        screw_exp(jnp.float32(axis), jnp.float32(moment), jnp.float32(1.2))
    )
    moved = motion[:3, :3] @ point + motion[:3, 3]
    np.testing.assert_allclose(moved, point + 0.25 * 1.2 * axis, atol=1e-6)


def test_equals_exp_of_the_twist() -> None:
    axis, moment = (jnp.float32(x) for x in parts(2))
    angle = jnp.float32(0.8)
    twist = jnp.concatenate([moment * angle, axis * angle])
    np.testing.assert_allclose(
        screw_exp(axis, moment, angle), se3.exp(twist), atol=1e-6
    )


@pytest.mark.parametrize("jacobian", JACOBIANS)
@pytest.mark.parametrize("axis", [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1e-30, 0.0, 0.0]])
@pytest.mark.parametrize("angle", [0.0, 1e-12, 0.5])
def test_gradient_is_finite_at_zero_angle_and_axis(
    jacobian: Callable[..., tuple[jax.Array, ...]], axis: list[float], angle: float
) -> None:
    gradients = jacobian(jnp.array(axis), jnp.ones(3), jnp.array(angle))
    assert all(np.isfinite(g).all() for g in gradients)


def test_all_zero_is_a_saddle() -> None:
    for jacobian in JACOBIANS:
        gradients = jacobian(jnp.zeros(3), jnp.zeros(3), jnp.array(0.0))
        assert all((g == 0).all() for g in gradients)


def test_zero_axis_is_a_pure_shift() -> None:
    motion = screw_exp(jnp.zeros(3), jnp.array([1.0, 2, 3]), jnp.array(0.5))
    np.testing.assert_array_equal(motion[:3, :3], np.eye(3))
    np.testing.assert_allclose(motion[:3, 3], [0.5, 1.0, 1.5])
