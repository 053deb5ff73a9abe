"""Distances between masks."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, spatial

from jaxsplat.pose.starts import silhouettes


def masks(count: int, seed: int) -> np.ndarray:
    """Returns blobs with holes, none of them empty."""
    noise = np.random.default_rng(seed).normal(size=(count, 24, 20))
    smooth = ndimage.gaussian_filter(noise, (0, 2, 2))
    return smooth > np.quantile(smooth, 0.7, axis=(1, 2), keepdims=True)


@pytest.mark.parametrize("mask", masks(4, 0))
def test_distances_to_a_mask_are_exact(mask: np.ndarray) -> None:
    found = silhouettes.distance_transform(jnp.asarray(mask))
    np.testing.assert_allclose(found, ndimage.distance_transform_edt(~mask), atol=1e-5)


def test_chamfer_distance_is_the_mean_distance_both_ways() -> None:
    first, second = masks(3, 1), masks(2, 2)
    expected = np.empty((3, 2))
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            between = spatial.distance.cdist(np.argwhere(one), np.argwhere(other))
            expected[i, j] = between.min(axis=1).mean() + between.min(axis=0).mean()
    ones, others = (silhouettes.prepare(jnp.asarray(m)) for m in (first, second))
    found = silhouettes.chamfer(ones, others)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    same = silhouettes.chamfer(ones, ones)
    np.testing.assert_allclose(np.diagonal(same), 0.0, atol=1e-6)


def test_an_empty_mask_is_far_from_all() -> None:
    some = jnp.asarray(masks(1, 3))
    nothing = silhouettes.prepare(jnp.zeros_like(some))
    found = silhouettes.chamfer(silhouettes.prepare(some), nothing)
    assert np.isfinite(found).all() and float(found[0, 0]) >= 24
