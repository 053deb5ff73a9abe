"""The published score against SciPy and Pillow, closed forms, and bad inputs."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from jaxsplat import features
from jaxsplat.scores import published
from tests.helpers import networks


@pytest.fixture(scope="module")
def net() -> features.FeatureNetwork:
    return networks.by_formula(networks.SMALL)


def images(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(-0.2, 1.2, size=(*shape, 3)).astype(np.float32)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def prepared(image: np.ndarray) -> np.ndarray:
    """Returns the image as the published code feeds it, through Pillow, in [0, 1]."""
    whole = np.floor(np.clip(image, 0, 1) * np.float32(255)).astype(np.uint8)
    height, width = whole.shape[:2]
    scale = 224 / min(height, width)
    size = (int(width * scale), int(height * scale))
    resized = Image.fromarray(whole).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized).astype(np.float64) / 255


def upsampled(small: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns bilinear samples at half-pixel centres, clamped at the border."""
    grids = [
        (np.arange(n) + 0.5) * m / n - 0.5
        for n, m in zip(shape, small.shape, strict=True)
    ]
    where = np.meshgrid(*grids, indexing="ij")
    return scipy.ndimage.map_coordinates(small, where, order=1, mode="nearest")


def reference(
    net: features.FeatureNetwork, query: np.ndarray, render: np.ndarray
) -> np.ndarray:
    """Returns the published map in float64; only the network is shared."""
    a, b = prepared(query), prepared(render)
    total = (((a - b) / np.array([0.229, 0.224, 0.225])) ** 2).sum(axis=-1)
    pair = jnp.asarray(np.stack([a, b]), dtype=jnp.float32)
    for level in features.extract(net, pair):
        level = np.asarray(level, dtype=np.float64)
        distance = ((level[0] - level[1]) ** 2).sum(axis=-1)
        total += upsampled(distance, total.shape)
    return scipy.ndimage.gaussian_filter(total, sigma=4)


@pytest.mark.parametrize("size", [(8, 8), (36, 30)])
def test_map_agrees_with_scipy_and_pillow(
    net: features.FeatureNetwork, size: tuple[int, int]
) -> None:
    queries, renders = images(0, 2, *size), images(1, 2, *size)
    maps = published.raw_maps(net, jnp.asarray(queries), jnp.asarray(renders))
    for found, query, render in zip(maps, queries, renders, strict=True):
        expected = reference(net, query, render)
        assert found.shape == expected.shape
        # The worst seen is 2e-6: squares of float32 features.
        np.testing.assert_allclose(found, expected, rtol=2e-5)


def test_equal_images_give_zero(net: features.FeatureNetwork) -> None:
    batch = jnp.asarray(images(2, 2, 8, 8))
    assert float(jnp.abs(published.raw_maps(net, batch, batch)).max()) == 0


def test_difference_below_a_byte_is_not_seen(net: features.FeatureNetwork) -> None:
    # Truncation: everything from 100/255 to just below 101/255 is byte 100.
    a = jnp.full((2, 64, 64, 3), 100.01 / 255, dtype=jnp.float32)
    b = jnp.full((2, 64, 64, 3), 100.99 / 255, dtype=jnp.float32)
    assert float(published.raw_maps(net, a, b).max()) == 0


def test_values_above_one_do_not_wrap(net: features.FeatureNetwork) -> None:
    white = jnp.ones((2, 64, 64, 3))
    assert float(published.raw_maps(net, white, 1.3 * white).max()) == 0


def test_batch_equals_each_pair_alone(net: features.FeatureNetwork) -> None:
    queries, renders = jnp.asarray(images(3, 2, 8, 8)), jnp.asarray(images(4, 2, 8, 8))
    together = published.raw_maps(net, queries, renders)
    alone = published.raw_maps(net, queries[1:], renders[1:])
    np.testing.assert_allclose(together[1:], alone, rtol=1e-5)


def test_number_that_is_not_finite_spoils_only_its_own_map(
    net: features.FeatureNetwork,
) -> None:
    queries, renders = images(6, 2, 8, 8), images(7, 2, 8, 8)
    renders[0, 3, 3, 1] = np.nan
    maps = published.raw_maps(net, jnp.asarray(queries), jnp.asarray(renders))
    assert np.isnan(maps[0]).all()
    assert np.isfinite(maps[1]).all()


def test_unequal_shapes_are_refused(net: features.FeatureNetwork) -> None:
    queries, renders = jnp.ones((3, 16, 16, 3)), jnp.ones((1, 16, 16, 3))
    with pytest.raises((ValueError, TypeError)):
        published.raw_maps(net, queries, renders)


def test_normalize_maps_over_the_whole_set() -> None:
    maps = np.array([[[1, 2], [3, 2]], [[5, 9], [1, 1]]], dtype=np.float32)
    scaled = published.normalize_maps(maps)
    np.testing.assert_allclose(scaled, (maps - 1) / 8)
    np.testing.assert_allclose(published.image_scores(scaled), [0.25, 1.0])
    assert scaled.dtype == np.float32


def test_scaling_keeps_the_order_and_the_ties() -> None:
    rng = np.random.default_rng(8)
    maps = rng.integers(0, 20, (6, 4, 4)).astype(np.float32)
    maps[3] = maps[1]
    raw = published.image_scores(maps)
    scaled = published.image_scores(published.normalize_maps(maps))
    np.testing.assert_array_equal(
        np.sign(raw[:, None] - raw), np.sign(scaled[:, None] - scaled)
    )
    assert scaled[3] == scaled[1]


def test_constant_maps_become_zero() -> None:
    maps = np.full((3, 4, 5), 7.0, dtype=np.float32)
    np.testing.assert_array_equal(published.normalize_maps(maps), 0 * maps)


def test_failed_map_is_left_out_of_the_scaling() -> None:
    maps = np.array([[[0.0, 2.0]], [[np.nan, np.nan]], [[4.0, 1.0]]])
    scaled = published.normalize_maps(maps)
    np.testing.assert_array_equal(scaled[[0, 2]], maps[[0, 2]] / 4)
    np.testing.assert_array_equal(published.image_scores(scaled), [0.5, np.nan, 1.0])
    assert np.isnan(published.normalize_maps(np.full((2, 1, 1), np.inf))).all()
