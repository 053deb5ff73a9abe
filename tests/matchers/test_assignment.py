"""Confidences of pairs, and the pairs that are each other's best."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.matchers import assignment


def test_partners_are_each_others_best() -> None:
    scores = jnp.array([[0.9, 0.2, 0.3], [0.8, 0.05, 0.01], [0.1, 0.3, 0.25]])
    found = assignment.mutual(jnp.log(scores), 0.1)
    np.testing.assert_array_equal(found.partner, [0, -1, 1])
    np.testing.assert_allclose(found.scores, [0.9, 0, 0.3], rtol=1e-6)


def test_what_is_not_real_takes_no_part_in_the_dual_softmax() -> None:
    similarity = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    real = jnp.array([True, False, True])[:, None] & (jnp.arange(4) < 3)
    found = np.exp(assignment.dual_softmax(jnp.asarray(similarity), real))
    powers = np.exp(similarity[::2, :3].astype(np.float64))
    of_first, of_second = powers.sum(1, keepdims=True), powers.sum(0)
    expected = powers / of_first * powers / of_second
    np.testing.assert_allclose(found[::2, :3], expected, rtol=1e-5)
    assert (found[1] == 0).all() and (found[:, 3] == 0).all()
