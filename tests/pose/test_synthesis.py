"""Poses all around an object, and the gallery rendered from them."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import cameras
from jaxsplat.errors import ConfigError
from tests.pose.conftest import Toy

CENTER = np.array([0.1, -0.2, 0.3])


def test_poses_surround_the_center_and_look_at_it() -> None:
    poses = pose.sphere_poses(CENTER, 3.0, 50, in_plane=4)
    assert poses.shape == (200, 4, 4)
    seen = poses[:, :3, :3] @ CENTER + poses[:, :3, 3]
    np.testing.assert_allclose(seen, np.tile([0, 0, 3.0], (200, 1)), atol=1e-5)
    rotations = poses[:, :3, :3]
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1),
        np.broadcast_to(np.eye(3), (200, 3, 3)),
        atol=1e-6,
    )
    directions = poses[::4, 2, :3]
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=0.02)
    cosines = directions @ directions.T - 2 * np.eye(50)
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    # 50 caps of equal area have a diameter of 32 degrees.
    assert nearest.min() > 20
    assert nearest.max() < 36


def test_turns_are_about_the_optical_axis() -> None:
    poses = pose.sphere_poses(CENTER, 3.0, 1, in_plane=4)
    quarter = poses[1, :3, :3] @ poses[0, :3, :3].T
    np.testing.assert_allclose(quarter, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize("name", ["radius", "count", "in_plane"])
def test_numbers_that_are_not_positive_are_named(name: str) -> None:
    settings = {"radius": 1.0, "count": 2, "in_plane": 1}
    settings[name] = 0 * settings[name]
    with pytest.raises(ConfigError, match=f"{name}: found 0"):
        pose.sphere_poses(CENTER, **settings)


def test_synthesised_views_find_queries(toy: Toy) -> None:
    small = cameras.resized(toy.camera, 24, 24)
    poses = pose.sphere_poses(np.zeros(3), 4.0, 100)
    images, views = pose.synthesise_views(toy.gaussians, small, jnp.asarray(poses))
    assert images.shape == (100, 24, 24, 3)
    assert images.min() >= 0
    assert images.max() <= 1
    gallery = pose.build_gallery(images, views)
    found, _ = pose.nearest(gallery, toy.queries, 3)
    directions = np.asarray(found[:, :, 2, :3])
    truth = np.asarray(toy.truth[:, None, 2, :3])
    cosines = np.sum(directions * truth, axis=-1).max(axis=1)
    # The lattice has a view within 14 degrees of any direction.
    assert (np.degrees(np.arccos(cosines)) < 15).all()
