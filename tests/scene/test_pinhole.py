"""Points in the pixels of a view."""

import numpy as np

from jaxsplat.core import cameras
from jaxsplat.scene.pinhole import project_points
from tests.helpers.clouds import camera


def test_points_on_known_rays_fall_on_their_pixels() -> None:
    views = [camera(), camera(eye=(3.0, 1.0, -2.0), aspect=0.8)]
    stacked = cameras.stack(views)
    wanted = np.array([[3.5, 4.0], [20.0, 0.5], [-7.0, 90.0]])
    depths = np.array([2.0, 4.0, 0.7])
    for view, one in enumerate(views):
        x = (wanted[:, 0] - float(one.cx)) / float(one.fx) * depths
        y = (wanted[:, 1] - float(one.cy)) / float(one.fy) * depths
        local = np.stack([x, y, depths], axis=1)
        pose = np.asarray(one.camera_from_world, np.float64)
        points = (local - pose[:3, 3]) @ pose[:3, :3]
        pixels, found = project_points(points.astype(np.float32), stacked, view)
        np.testing.assert_allclose(pixels, wanted, atol=1e-3)
        np.testing.assert_allclose(found, local, atol=1e-5)
