"""Coarse poses on the bundled sample, and on images that show nothing."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import data, pose
from jaxsplat.core import cameras, resampling
from jaxsplat.errors import ConfigError

BACKGROUND = jnp.ones(3)


@pytest.fixture(scope="module")
def sample() -> tuple[jnp.ndarray, cameras.Camera]:
    """Returns the training images and cameras of the bundled object at 50 pixels."""
    views = data.load_object(data.sample_dir() / "01Penguin", size=50).train
    camera = cameras.stack([v.camera for v in views if v.camera is not None])
    return jnp.stack([jnp.asarray(v.image) for v in views]), camera


def angles(found: jnp.ndarray, truth: jnp.ndarray) -> np.ndarray:
    """Returns the full angle between rotations in degrees."""
    relative = np.einsum("...ij,...kj->...ik", found[..., :3, :3], truth[..., :3, :3])
    cosine = (np.trace(relative, axis1=-2, axis2=-1) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_a_view_of_the_gallery_finds_itself(sample: tuple) -> None:
    images, camera = sample
    gallery = pose.build_gallery(images, camera)
    found, similarity = pose.nearest(gallery, images, 3)
    assert found.shape == (len(images), 3, 4, 4)
    np.testing.assert_array_equal(found[:, 0], camera.camera_from_world)
    np.testing.assert_allclose(similarity[:, 0], 1.0, atol=1e-5)
    assert (np.diff(similarity, axis=1) <= 0).all()


def test_a_view_left_out_finds_its_neighbours(sample: tuple) -> None:
    images, camera = sample
    held = np.arange(len(images)) % 5 == 0
    kept, out = camera.camera_from_world[~held], camera.camera_from_world[held]
    some = cameras.Camera(
        kept, *(x[~held] for x in (camera.fx, camera.fy, camera.cx, camera.cy)), 50, 50
    )
    gallery = pose.build_gallery(images[~held], some)
    found, _ = pose.nearest(gallery, images[held], 4)
    reachable = angles(kept[None], out[:, None]).min(axis=1)
    best = angles(found, out[:, None]).min(axis=1)
    assert np.median(best) <= np.median(reachable) + 2
    assert np.mean(best < 30) >= 0.9


def test_brightness_changes_little(sample: tuple) -> None:
    images, camera = sample
    gallery = pose.build_gallery(images, camera)
    darker = BACKGROUND - 0.8 * (BACKGROUND - images)
    found, _ = pose.nearest(gallery, darker, 1)
    np.testing.assert_array_equal(found[:, 0], camera.camera_from_world)


def test_more_than_the_gallery_has(sample: tuple) -> None:
    images, camera = sample
    gallery = pose.build_gallery(images, camera)
    found, similarity = pose.nearest(gallery, images[:2], 10_000)
    assert found.shape == (2, len(images), 4, 4)
    assert similarity.shape == (2, len(images))


@pytest.mark.parametrize("value", [1.0, jnp.nan, jnp.inf])
def test_a_query_that_shows_nothing_is_similar_to_nothing(
    sample: tuple, value: float
) -> None:
    images, camera = sample
    gallery = pose.build_gallery(images, camera)
    found, similarity = pose.nearest(gallery, jnp.full_like(images[:1], value), 2)
    np.testing.assert_array_equal(similarity, 0.0)
    assert np.isfinite(found).all()


def test_sizes_that_do_not_divide_are_reduced_by_area() -> None:
    weights = resampling.area_weights(50, 24)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=0), 24 / 50, rtol=1e-5)
    np.testing.assert_allclose(weights[0, :4], [0.48, 0.48, 0.04, 0], atol=1e-6)


def test_one_compilation_for_repeated_calls(sample: tuple) -> None:
    images, camera = sample
    gallery = pose.build_gallery(images, camera)
    before = pose.nearest._cache_size()
    pose.nearest(gallery, images[:7], 5)
    pose.nearest(gallery, images[7:14], 5)
    assert pose.nearest._cache_size() == before + 1


def test_join_needs_one_side(sample: tuple) -> None:
    images, camera = sample
    first = pose.build_gallery(images, camera)
    with pytest.raises(ConfigError, match="side: found 24 and 8"):
        pose.join(first, pose.build_gallery(images, camera, side=8))
    with pytest.raises(ConfigError, match="side: found 2"):
        pose.build_gallery(images, camera, side=2)
    both = pose.join(first, first)
    assert both.descriptors.shape[0] == both.camera_from_world.shape[0] == 200
