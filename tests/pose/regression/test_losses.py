"""Equations 3, 4, 7 and 8 in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.pose.regression import losses
from jaxsplat.pose.regression.losses import Errors, Weights


def test_equations_three_four_and_seven() -> None:
    rng = np.random.default_rng(0)
    q, t = rng.normal(size=(4, 5, 4)), rng.normal(size=(4, 5, 3))
    true_q, true_t = rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    s_q, s_t = -2.5, 0.5
    expected = 0.0
    for layer in range(4):
        rotation = np.sqrt(((q[layer] - true_q) ** 2).sum(-1))
        shift = np.sqrt(((t[layer] - true_t) ** 2).sum(-1))
        expected += shift * np.exp(-s_t) + s_t + rotation * np.exp(-s_q) + s_q
    arrays = (jnp.asarray(array, jnp.float32) for array in (q, t, true_q, true_t))
    found = losses.balanced(
        losses.errors(*arrays), Weights(jnp.float32(s_q), jnp.float32(s_t))
    )
    np.testing.assert_allclose(losses.of_layers(found), expected, rtol=1e-5)


def test_the_weights_settle_at_the_logarithms_of_the_errors() -> None:
    """Homoscedastic uncertainty: L exp(-s) + s is least where s = log L."""
    at = Errors(jnp.float32(0.02), jnp.float32(0.3))
    weights = Weights(jnp.log(at.rotation), jnp.log(at.translation))
    slope = jax.grad(lambda w: losses.balanced(at, w))(weights)
    np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_right_poses_have_finite_slopes() -> None:
    q, t = jnp.array([1.0, 0, 0, 0]), jnp.zeros(3)
    slope = jax.grad(lambda q, t: sum(losses.errors(q, t, q * 0 + q, t)))(q, t)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(("pairs", "expected"), [(1, [1]), (3, [1 / 2, 1 / 3, 1 / 6])])
def test_equation_eights_weights(pairs: int, expected: list[float]) -> None:
    np.testing.assert_allclose(losses.pair_weights(pairs), expected, rtol=1e-6)
