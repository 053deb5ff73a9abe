"""IGSPAD's distance and score, against equations 5 and 6."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import features, scores
from jaxsplat.errors import ConfigError
from jaxsplat.scores import cosine
from tests.helpers import networks


def test_cosine_is_that_of_the_angle() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 4, 5, 7))
    expected = (first * second).sum(-1)
    expected /= np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    found = cosine.cosine(*(jnp.asarray(x, jnp.float32) for x in (first, second)))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    nothing = jnp.zeros((2, 3))
    np.testing.assert_array_equal(cosine.cosine(nothing, nothing + 1), [1, 1])


def test_maps_are_the_mean_over_levels_at_the_images_size() -> None:
    network = networks.by_formula(networks.SMALL)
    images = np.random.default_rng(1).uniform(size=(2, 1, 40, 48, 3))
    seen, known = (jnp.asarray(x, jnp.float32) for x in images)
    maps = cosine.cosine_maps(network, seen, known)
    assert maps.shape == (1, 40, 48)
    levels = zip(*(features.extract(network, x) for x in (seen, known)), strict=True)
    means = [float(jnp.mean(1 - cosine.cosine(a, b))) for a, b in levels]
    assert float(jnp.mean(maps)) == pytest.approx(np.mean(means), abs=0.02)
    same = cosine.cosine_maps(network, seen, seen)
    np.testing.assert_allclose(same, 0, atol=1e-5)
    broken = cosine.cosine_maps(network, seen.at[0, 3, 4, 1].set(jnp.nan), known)
    assert np.isnan(broken).all()


def test_score_is_the_highest_mean_over_a_window() -> None:
    maps = np.random.default_rng(2).uniform(size=(2, 20, 30)).astype(np.float32)
    found = scores.PooledPeak(window=0.2)(jnp.asarray(maps))
    windows = np.lib.stride_tricks.sliding_window_view(maps, (4, 4), axis=(1, 2))
    expected = windows.mean(axis=(3, 4)).max(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    with pytest.raises(ConfigError, match="window: found 0"):
        scores.PooledPeak(window=0.0)
