"""Frusta, what is up, the turntable: by hand and there and back."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.viewing import placing
from tests.helpers import toy_object

UP = np.array([0.0, 0.6, 0.8])


def camera_at(eye: np.ndarray, up: np.ndarray) -> Camera:
    lens = toy_object.cameras_around(1)[0]
    pose = cameras.look_at(eye, np.zeros(3), up)
    return cameras.with_pose(lens, jnp.asarray(pose))


def test_a_frustum_looks_along_its_z_from_where_the_camera_stands() -> None:
    found = placing.frustum(camera_at(np.array([3.0, 0.0, 0.0]), np.eye(3)[2]))
    np.testing.assert_allclose(found.position, [3, 0, 0], atol=1e-6)
    w, x, y, z = found.wxyz
    forward = [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)]
    np.testing.assert_allclose(forward, [-1, 0, 0], atol=1e-6)
    assert found.fov == pytest.approx(2 * np.arctan(16 / 60))
    assert found.aspect == pytest.approx(1.0)


def test_a_viewers_camera_is_the_frustums() -> None:
    camera = camera_at(np.array([1.0, -2.0, 0.5]), UP)
    back = placing.of_viewer(placing.frustum(camera), camera.width, camera.height)
    np.testing.assert_allclose(
        back.camera_from_world, camera.camera_from_world, atol=1e-5
    )
    np.testing.assert_allclose([back.fx, back.fy], [camera.fx, camera.fy], rtol=1e-5)


def test_an_image_in_another_proportion_than_the_window_fills_it() -> None:
    wide = dataclasses.replace(
        placing.frustum(camera_at(np.array([1.0, -2.0, 0.5]), UP)), aspect=1.263
    )
    camera = placing.of_viewer(wide, 480, 384)
    upward, across = np.tan(wide.fov / 2), 1.263 * np.tan(wide.fov / 2)
    np.testing.assert_allclose(240 / camera.fx, across, rtol=1e-6)
    np.testing.assert_allclose(192 / camera.fy, upward, rtol=1e-6)


def test_lenses_of_unequal_focal_lengths_keep_their_aspect() -> None:
    camera = dataclasses.replace(camera_at(np.ones(3), UP), fx=jnp.float32(30.0))
    assert placing.frustum(camera).aspect == pytest.approx(2.0)


def test_up_is_what_horizons_are_level_with() -> None:
    # From above and one side alone the mean of the images' own directions is another.
    eyes = [np.array([np.cos(a), np.sin(a), 0.0]) + 2 * UP for a in (0.0, 1.0, 2.0)]
    found = placing.up_of([camera_at(eye, UP) for eye in eyes])
    np.testing.assert_allclose(found, UP, atol=1e-5)


def test_up_of_one_camera_and_of_none() -> None:
    lone = placing.up_of([camera_at(np.array([2.0, 0.0, 0.0]), UP)])
    assert lone @ UP > 0.5 and np.linalg.norm(lone) == pytest.approx(1)
    np.testing.assert_array_equal(placing.up_of([]), [0, 0, 1])


def test_the_turntable_goes_around_upright() -> None:
    lens, center = camera_at(np.ones(3), UP), np.array([0.5, -0.2, 0.1])
    views = placing.turntable(lens, center, UP, 3.0, 4)
    eyes = np.stack([np.asarray(cameras.position(view)) for view in views]) - center
    np.testing.assert_allclose(np.linalg.norm(eyes, axis=1), 3, rtol=1e-5)
    np.testing.assert_allclose(eyes @ UP, 3 * np.sin(np.deg2rad(20)), rtol=1e-4)
    level = eyes - (eyes @ UP)[:, None] * UP
    np.testing.assert_allclose(level[0], -level[2], atol=1e-5)
    for view in views:
        rotation = np.asarray(view.camera_from_world)[:3, :3]
        assert rotation[0] @ UP == pytest.approx(0, abs=1e-5) and rotation[1] @ UP < 0
    assert placing.usual_distance(views, center) == pytest.approx(3, rel=1e-5)


def test_videos_have_even_sides() -> None:
    odd = cameras.resized(camera_at(np.ones(3), UP), 33, 1)
    found = placing.even(odd)
    assert (found.width, found.height) == (32, 2)
