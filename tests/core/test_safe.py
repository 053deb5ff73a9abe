"""Safe operations: right where defined, finite everywhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsplat.core import safe

norm = jax.jit(jax.value_and_grad(safe.norm))
normalize = jax.jit(lambda x: (safe.normalize(x), jax.jacrev(safe.normalize)(x)))
divide = jax.jit(jax.value_and_grad(safe.divide, argnums=(0, 1)))
all_floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
vectors = st.lists(all_floats, min_size=3, max_size=3)
every_float = settings(deadline=None, max_examples=200, derandomize=True)


def test_norm_and_gradient() -> None:
    value, gradient = norm(jnp.array([3.0, 0.0, -4.0]))
    assert value == 5
    np.testing.assert_allclose(gradient, [0.6, 0, -0.8], rtol=1e-6)
    np.testing.assert_allclose(safe.norm(jnp.ones((2, 3)), axis=0), np.sqrt([2] * 3))


def test_norm_at_zero() -> None:
    value, gradient = norm(jnp.zeros(3))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros(3))


def test_divide() -> None:
    value, gradients = divide(jnp.array(6.0), jnp.array(-4.0))
    assert value == -1.5
    np.testing.assert_allclose(gradients, (-0.25, -0.375), rtol=1e-6)


@pytest.mark.parametrize("numerator", [0.0, 1.0, -1e30])
def test_divide_by_zero_is_zero(numerator: float) -> None:
    value, gradients = divide(jnp.array(numerator), jnp.array(0.0))
    assert value == 0
    assert gradients == (0, 0)


def test_normalize() -> None:
    unit, jacobian = normalize(jnp.array([0.0, 3.0, 4.0]))
    np.testing.assert_allclose(unit, [0, 0.6, 0.8], rtol=1e-6)
    expected = (np.eye(3) - np.outer(unit, unit)) / 5
    np.testing.assert_allclose(jacobian, expected, atol=1e-6)
    zero, jacobian = normalize(jnp.zeros(3))
    np.testing.assert_array_equal(zero, np.zeros(3))
    assert np.isfinite(jacobian).all()


@every_float
@given(vectors)
def test_norm_is_never_nan(values: list[float]) -> None:
    value, gradient = norm(jnp.array(values, dtype=jnp.float32))
    expected = np.linalg.norm(np.array(values, dtype=np.float64))
    if 1e-15 < expected < 1e15:
        np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert not np.isnan(value)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() <= 1 + 1e-6


@every_float
@given(vectors)
def test_normalize_is_finite_for_all_floats(values: list[float]) -> None:
    unit, jacobian = normalize(jnp.array(values, dtype=jnp.float32))
    assert np.linalg.norm(unit) <= 1 + 1e-6
    assert np.isfinite(jacobian).all()


@every_float
@given(all_floats, all_floats)
def test_divide_is_never_nan(numerator: float, denominator: float) -> None:
    value, gradients = divide(jnp.float32(numerator), jnp.float32(denominator))
    assert not np.isnan(value)
    assert not np.isnan(gradients).any()
