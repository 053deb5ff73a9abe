"""Poses turned about the object: how many, how far, how evenly."""

import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from jaxsplat.core import cameras
from jaxsplat.pose import turning


def test_poses_are_turned_about_the_centre_all_around() -> None:
    center = np.array([0.3, -0.2, 0.5])
    up = np.array([0.0, 0.0, 1.0])
    eyes = np.array([(4.0, 0.0, 1.0), (0.0, 3.0, 2.0)])
    poses = np.stack([cameras.look_at(eye, np.zeros(3), up) for eye in eyes])
    starts = jnp.asarray(np.stack([poses, poses[::-1]]), jnp.float32)
    found = np.asarray(turning.turned(starts, jnp.asarray(center, jnp.float32), 64))
    assert found.shape == (2, 128, 4, 4)
    np.testing.assert_allclose(found[:, ::64], starts, atol=1e-6)
    # The centre stays where it is seen.
    here = found[..., :3, :3] @ center + found[..., :3, 3]
    for row, start in zip(here.reshape(4, 64, 3), starts.reshape(4, 4, 4), strict=True):
        there = np.asarray(start[:3, :3]) @ center + np.asarray(start[:3, 3])
        np.testing.assert_allclose(row, np.broadcast_to(there, (64, 3)), atol=1e-5)
    turns = found[0, :64, :3, :3] @ np.asarray(starts[0, 0, :3, :3]).T
    vectors = np.degrees(Rotation.from_matrix(turns).as_rotvec())
    angles = np.linalg.norm(vectors, axis=1)
    assert angles[0] < 0.1 and 20 < angles.max() < 25.001
    # Evenly in a ball: in no direction more than in the opposite one, and three
    # quarters of the radius in the mean.
    assert np.abs(vectors.mean(axis=0)).max() < 1.5
    assert abs(angles[1:].mean() - 0.75 * 25) < 0.7
    apart = np.linalg.norm(vectors[:, None] - vectors, axis=2) + 99 * np.eye(64)
    assert apart.min() > 3
