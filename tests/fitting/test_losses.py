"""The parts of the loss against closed forms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core.ssim import ssim
from jaxsplat.fitting import losses
from jaxsplat.rendering.api import Rendered

A = jnp.asarray(np.random.default_rng(0).uniform(size=(12, 13, 3)), jnp.float32)


def test_photometric_is_mean_absolute_difference_without_ssim() -> None:
    value = losses.photometric(A, A + 0.25, 0.0)
    assert float(value) == pytest.approx(0.25, rel=1e-5)


def test_small_differences_are_squared_and_large_ones_absolute() -> None:
    s = 0.1
    for difference in (1e-3, 0.1, 0.9):
        value = losses.photometric(A, A + difference, 0.0, s)
        # In the form without cancellation.
        expected = difference**2 / (math.sqrt(difference**2 + s**2) + s)
        assert float(value) == pytest.approx(expected, rel=1e-3)
    slope = jax.grad(lambda d: losses.photometric(A, A + d, 0.0, s))
    assert float(slope(0.01)) == pytest.approx(0.1, rel=0.02)
    assert float(slope(1.0)) == pytest.approx(1.0, rel=0.01)


def test_photometric_mixes_both_terms() -> None:
    b = jnp.clip(A[::-1], 0, 1)
    expected = 0.8 * jnp.mean(jnp.abs(A - b)) + 0.2 * (1 - ssim(A, b))
    assert float(losses.photometric(A, b, 0.2)) == pytest.approx(float(expected))
    assert float(expected) > 0.2


def test_equal_images_cost_nothing() -> None:
    assert float(losses.photometric(A, A, 0.2)) == pytest.approx(0, abs=1e-6)


def test_over_background() -> None:
    alpha = jnp.array([[0.0, 0.25, 1.0]])
    premultiplied = jnp.array([[[0.0, 0.0, 0.0], [0.1, 0.2, 0.0], [0.3, 0.6, 0.9]]])
    found = losses.over_background(premultiplied, alpha, jnp.array([1.0, 0.4, 0.0]))
    expected = [[[1.0, 0.4, 0.0], [0.85, 0.5, 0.0], [0.3, 0.6, 0.9]]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_coverage_counts_outside_or_both_ways() -> None:
    alpha = jnp.array([[1.0, 0.5], [0.5, 0.0]])
    drawn = Rendered(jnp.zeros((2, 2, 3)), alpha, alpha, jnp.int32(0))
    coverage = jnp.array([[1.0, 1.0], [0.0, 0.0]])
    assert float(losses.miscovered(drawn, coverage, False)) == pytest.approx(0.125)
    assert float(losses.miscovered(drawn, jnp.ones((2, 2)), False)) == 0
    expected = np.abs(np.asarray(drawn.alpha - coverage)).mean()
    assert float(losses.miscovered(drawn, coverage, True)) == pytest.approx(expected)


def test_random_background_fills_the_unit_cube() -> None:
    keys = jax.random.split(jax.random.key(0), 200)
    values = np.asarray(jax.vmap(losses.random_background)(keys))
    assert values.shape == (200, 3)
    assert 0 <= values.min() < 0.05 and 0.95 < values.max() <= 1
    np.testing.assert_array_equal(losses.random_background(keys[3]), values[3])
