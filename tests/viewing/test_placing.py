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


def rolled(camera: Camera, angle: float) -> Camera:
    """Returns a camera that is turned about its axis, by an angle in radians."""
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    pose = turn @ np.asarray(camera.camera_from_world, float)
    return cameras.with_pose(camera, jnp.asarray(pose, jnp.float32))


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


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_turning_about_what_is_upright_a_viewer_sees_as_the_camera(
    angle: float,
) -> None:
    level = camera_at(np.array([2.0, -1.0, 0.5]), UP)
    found = placing.upright(rolled(level, angle), UP)
    rotation = np.asarray(rolled(level, angle).camera_from_world)[:3, :3]
    # What is level to the viewer is level in the image, and up is up.
    assert found @ rotation[0] == pytest.approx(0, abs=1e-6)
    assert found @ rotation[1] < 0 and np.linalg.norm(found) == pytest.approx(1)
    if not angle:
        np.testing.assert_allclose(found, UP, atol=1e-6)


@pytest.mark.parametrize("angle", [np.pi / 2, np.pi])
def test_of_a_camera_on_its_side_or_head_its_own_vertical_is_upright(
    angle: float,
) -> None:
    lying = rolled(camera_at(np.array([2.0, -1.6, 1.2]), UP), angle)
    own = -np.asarray(lying.camera_from_world)[1, :3]
    np.testing.assert_allclose(placing.upright(lying, UP), own, atol=1e-6)


def test_from_straight_above_the_images_vertical_is_upright() -> None:
    above = camera_at(3 * UP, np.eye(3)[0])
    own = -np.asarray(above.camera_from_world)[1, :3]
    np.testing.assert_allclose(placing.upright(above, UP), own, atol=1e-6)


def test_the_overview_sees_the_object_and_what_it_was_photographed_from() -> None:
    center = np.array([0.2, 0.0, 0.1])
    side = np.array([0.0, -0.8, 0.6])
    posed = [camera_at(3 * (side + d * np.eye(3)[0]), UP) for d in (-0.2, 0.0, 0.2)]
    found = placing.overview(posed, center, UP, 3.0)
    pose = np.asarray(found.camera_from_world, float)
    for point in (center, *(np.asarray(cameras.position(c)) for c in posed)):
        x, y, z = pose[:3, :3] @ point + pose[:3, 3]
        assert z > 0 and abs(y) < z * np.tan(np.deg2rad(25))
        assert abs(x) < 1.25 * z * np.tan(np.deg2rad(25))
    # From behind the photographs, not from behind the object.
    assert pose[2, :3] @ side < -0.5
    bare = placing.overview([], center, UP, 3.0)
    eye = np.asarray(cameras.position(bare))
    assert np.linalg.norm(eye - center) == pytest.approx(5.4, rel=1e-5)


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
