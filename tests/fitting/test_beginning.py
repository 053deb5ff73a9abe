"""Where a fit begins, on a tiny object whose Gaussians are known."""

import dataclasses

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.data.views import posed_cameras
from jaxsplat.fitting import FitConfig, Stage, beginning, targets
from jaxsplat.scene import gaussians as scene
from tests.helpers import toy_object
from tests.helpers.toy_object import WHITE

CONFIG = FitConfig(stages=(Stage(1.0, 1),), count=40, capacity=48, start_opacity=0.5)


def test_hull_start_is_the_object() -> None:
    views = toy_object.views()
    masks = targets.silhouettes(views, WHITE)
    cloud = beginning.start(views, masks, CONFIG, np.random.default_rng(0))
    assert scene.count(cloud) == 40
    means = np.asarray(cloud.means)[:40]
    # The photographs' silhouettes hold every point; six views leave some corners.
    assert np.linalg.norm(means, axis=1).max() < 1.5
    for view in views:
        assert view.camera is not None and view.alpha is not None
        pose = np.asarray(view.camera.camera_from_world)
        x, y, z = pose[:3, :3] @ means.T + pose[:3, 3:]
        column = np.floor(60 * x / z + 16).astype(int)
        row = np.floor(60 * y / z + 16).astype(int)
        covered = cv2.dilate(view.alpha, np.ones((3, 3), np.uint8)) > 0.5
        framed = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < 32)
        assert framed.mean() > 0.9
        assert covered[row[framed], column[framed]].all()


def test_start_is_random_without_silhouettes() -> None:
    photographs = toy_object.views(alpha=False)
    cloud = beginning.start(photographs, None, CONFIG, np.random.default_rng(0))
    means = np.asarray(cloud.means)[:40]
    assert scene.count(cloud) == 40
    # Kerbl's cube of half side 1.3 for cameras at a distance of 4.
    assert 1.0 < np.abs(means).max() <= 1.3 + 1e-5
    scales = np.asarray(scene.scales(cloud))[:40]
    assert (scales[:, 0] == scales[:, 2]).all()
    asked = dataclasses.replace(CONFIG, start="random")
    same = beginning.start(photographs, None, asked, np.random.default_rng(0))
    np.testing.assert_array_equal(same.means, cloud.means)
    masks = targets.silhouettes(photographs, WHITE)
    hull = beginning.start(photographs, masks, CONFIG, np.random.default_rng(0))
    assert np.any(hull.means != cloud.means)
    same = beginning.start(photographs, masks, asked, np.random.default_rng(0))
    np.testing.assert_array_equal(same.means, cloud.means)


def test_camera_extent_and_distance() -> None:
    stack = posed_cameras(toy_object.views(8))
    assert beginning.camera_distance(stack, np.zeros(3)) == pytest.approx(4.0, rel=1e-5)
    # The cameras lie on a sphere of radius 4 about nearly their mean.
    assert beginning.camera_extent(stack) == pytest.approx(4.4, rel=0.1)
    assert jnp.asarray(stack.fx).shape == (8,)
