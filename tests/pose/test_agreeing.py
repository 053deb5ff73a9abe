"""The similarity that matched points agree with."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.pose.starts import agreeing


def points(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.uniform(-0.2, 0.2, (count, 2)).astype(np.float32)


def test_turn_zoom_and_shift_are_found_among_mismatches() -> None:
    before = points(40)
    factor, shift = 1.2 * np.exp(1j * np.deg2rad(130)), 0.05 - 0.1j
    moved = factor * (before[:, 0] + 1j * before[:, 1]) + shift
    after = np.stack([moved.real, moved.imag], axis=1).astype(np.float32)
    after[:10] = points(20)[10:]
    weights = np.ones(40, np.float32)
    # What is not matched may be anywhere.
    after[10:14], weights[10:14] = 9.0, 0.0
    found = agreeing.similarity(*map(jnp.asarray, (before, after, weights)))
    np.testing.assert_allclose(found.factor, [factor.real, factor.imag], atol=0.02)
    np.testing.assert_allclose(found.shift, [shift.real, shift.imag], atol=0.005)
    turned = agreeing.applied(found.factor, jnp.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(turned[0], found.factor, rtol=1e-6)
    np.testing.assert_allclose(turned[1], [-factor.imag, factor.real], atol=0.02)


def test_too_few_points_move_nothing() -> None:
    before = jnp.asarray(points(5))
    weights = jnp.array([1.0, 0.9, 0.0, 0.0, 0.0])
    found = agreeing.similarity(before, before + 1.0, weights)
    np.testing.assert_array_equal(found.factor, [1, 0])
    np.testing.assert_array_equal(found.shift, [0, 0])
