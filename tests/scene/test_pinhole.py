"""Points in the pixels of a view."""

import numpy as np

from jaxsplat.core import cameras
from jaxsplat.scene.pinhole import in_image, project_points
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


def test_an_image_shows_what_is_in_its_frame_and_in_front() -> None:
    pixels = np.array([[0.0, 0.0], [9.9, 4.9], [10.0, 2.0], [-0.1, 2.0], [3.2, 1.7]])
    depths = np.array([1.0, 2.0, 1.0, 1.0, -1.0])
    seen, rows, columns = in_image(pixels, depths, width=10, height=5)
    np.testing.assert_array_equal(seen, [True, True, False, False, False])
    np.testing.assert_array_equal(rows, [0, 4])
    np.testing.assert_array_equal(columns, [0, 9])
