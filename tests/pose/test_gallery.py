"""Where a gallery's views are taken from."""

import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.errors import ConfigError
from jaxsplat.pose import pyramid

CENTER = np.array([0.1, -0.2, 0.3])


def test_poses_surround_the_center_and_look_at_it() -> None:
    poses = pose.sphere_poses(CENTER, 3.0, 50)
    assert poses.shape == (50, 4, 4)
    seen = poses[:, :3, :3] @ CENTER + poses[:, :3, 3]
    np.testing.assert_allclose(seen, np.tile([0, 0, 3.0], (50, 1)), atol=1e-5)
    directions = poses[:, 2, :3]
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=0.02)
    cosines = directions @ directions.T - 2 * np.eye(50)
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    # 50 caps of equal area have a diameter of 32 degrees.
    assert nearest.min() > 20
    assert nearest.max() < 36


@pytest.mark.parametrize("change", [{"radius": 0.0}, {"count": 0}])
def test_wrong_numbers_are_named(change: dict) -> None:
    numbers = {"radius": 1.0, "count": 3} | change
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: found"):
        pose.sphere_poses(CENTER, **numbers)


def test_gaps_between_photographs_are_filled_and_no_more() -> None:
    everywhere = pose.sphere_poses(CENTER, 3.0, 400)
    assert len(pose.gallery_poses(everywhere, CENTER)) == 400
    above = everywhere[everywhere[:, 2, 2] < -0.5]
    filled = pose.gallery_poses(above, CENTER)
    np.testing.assert_array_equal(filled[: len(above)], above)
    added = filled[len(above) :]
    assert len(added) > 5
    cosines = added[:, 2, :3] @ above[:, 2, :3].T
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    assert nearest.min() >= 15 and nearest.max() <= 30


def test_sizes_double_up_to_the_whole() -> None:
    assert pyramid.shrinks(400, 300) == (8, 4, 2, 1)
    assert pyramid.shrinks(99, 80) == (1,)
    assert pyramid.coarsest(200, 100) == 4
