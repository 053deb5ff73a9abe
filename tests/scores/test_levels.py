"""Distances to the most similar cell nearby, level by level."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import features
from jaxsplat.scores import levels
from tests.helpers import toy_detector


def brute(seen: np.ndarray, known: np.ndarray, radius: int) -> np.ndarray:
    """Returns the least distances, cell by cell."""
    height, width, _ = seen.shape
    least = np.full((height, width), np.inf)
    for row, column in np.ndindex(height, width):
        for y in range(row - radius, row + radius + 1):
            for x in range(column - radius, column + radius + 1):
                other = known[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
                distance = ((seen[row, column] - other) ** 2).sum()
                least[row, column] = min(least[row, column], distance)
    return least


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_least_distance_is_that_of_every_pair(radius: int) -> None:
    rng = np.random.default_rng(0)
    seen, known = rng.normal(size=(2, 2, 5, 7, 3)).astype(np.float32)
    found = levels.nearest_distance(jnp.asarray(seen), jnp.asarray(known), radius)
    expected = [brute(a, b, radius) for a, b in zip(seen, known, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.fixture(scope="module")
def found() -> levels.Distances:
    """Returns distances of grey to lighter grey, and to as light a red."""
    shape = (1, 31, 40, 3)
    grey = jnp.full(shape, 0.5)
    red = grey + jnp.array([0.1, -0.05, -0.05])
    seen = jnp.concatenate([grey + 0.1, red])
    with toy_detector.quick():
        network = features.load_network()
        return levels.distances(network, seen, jnp.concatenate([grey, grey]), 62, 1)


def test_colors_are_lightness_and_chroma(found: levels.Distances) -> None:
    assert found.least.shape == found.variation.shape == (6, 2, 62, 80)
    lightness, chroma = found.least[-2:]
    np.testing.assert_allclose(lightness[0], 0.1**2, rtol=1e-4)
    np.testing.assert_allclose(chroma[0], 0.0, atol=1e-10)
    np.testing.assert_allclose(lightness[1], 0.0, atol=1e-10)
    # Red less green is 0.15, their mean less blue 0.075.
    np.testing.assert_allclose(chroma[1], 0.15**2 + 0.075**2, rtol=1e-4)
    assert (np.asarray(found.least[:4]).max(axis=(2, 3)) > 0).all()
    # The same of every pixel, where cells of two are compared.
    assert found.colors.shape == (2, 2, 62, 80)
    np.testing.assert_allclose(found.colors, found.least[-2:], rtol=1e-4, atol=1e-10)


def test_what_is_of_one_color_does_not_vary(found: levels.Distances) -> None:
    np.testing.assert_allclose(found.variation[-2:], 0.0, atol=1e-10)


def test_weights_add_up_and_a_byte_is_the_least_step() -> None:
    weights = np.asarray(levels.weights(6))
    np.testing.assert_allclose(weights, np.array([2, 2, 2, 2, 1, 1]) / 10)
    np.testing.assert_allclose(levels.least_usual(6)[-2:], 255.0**-2)
    assert levels.size_of(400, 300, 224) == (299, 224)
