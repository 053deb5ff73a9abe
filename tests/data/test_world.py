"""The similarity between a user's coordinates and those inside."""

import itertools
import json
import pathlib

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.core import cameras
from jaxsplat.data import poses, world
from jaxsplat.data.world import World
from tests.helpers import datasets

FAR = np.array([4.5e5, -3.2e5, 120.0])
ORBIT = np.stack(
    [poses.opencv_from_blender(datasets.blender_pose(i)) for i in range(12)]
)


def moved(scale: float, shift: np.ndarray) -> np.ndarray:
    """Returns the orbit's poses where the scene is `scale * point + shift`."""
    found = ORBIT.copy()
    eyes = -np.einsum("vji,vj->vi", ORBIT[:, :3, :3], ORBIT[:, :3, 3])
    found[:, :3, 3] = -np.einsum("vij,vj->vi", ORBIT[:, :3, :3], scale * eyes + shift)
    return found


PLACES = list(
    itertools.product([1 / 500, 1.0, 100.0, 1e5], [np.zeros(3), FAR, 10 * FAR])
)


@pytest.mark.parametrize(("scale", "shift"), PLACES)
def test_the_same_scene_is_the_same_inside(scale: float, shift: np.ndarray) -> None:
    """Also the poses come back, as exactly as float64 holds them in the file."""
    user = moved(scale, shift)
    found = World.from_views(user)
    size = np.abs(user[:, :3, 3]).max()
    rounding = 64 * np.finfo(np.float64).eps * size / scale
    inside = found.camera_to_inside(user)
    np.testing.assert_allclose(inside, ORBIT, atol=1e-12 + rounding)
    back = found.camera_to_user(inside)
    np.testing.assert_allclose(back, user, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(back, user, rtol=0, atol=1e-13 * size)
    points = np.random.default_rng(0).normal(size=(5, 3))
    again = found.points_to_inside(found.points_to_user(points))
    np.testing.assert_allclose(again, points, atol=1e-12 + rounding)
    np.testing.assert_allclose(
        found.points_to_user(points), scale * points + shift, atol=1e-13 * size
    )


def test_a_pixel_is_the_same() -> None:
    """A point of the user's world, and the same inside, in the user's camera and in it.

    The projection x/z, y/z is written out: nothing of the package takes part but the
    similarity.
    """
    space = World(FAR, 1 / 37.0)
    rng = np.random.default_rng(1)
    turn = poses.orthonormal(np.eye(4) + 0.3 * rng.normal(size=(4, 4)))[:3, :3]
    user = np.eye(4)
    user[:3, :3] = turn
    eye = FAR + (3.0, 70.0, -20.0)
    user[:3, 3] = -turn @ eye
    points = eye + (rng.normal(size=(6, 3)) + (0, 0, 90)) @ turn
    seen = (points - eye) @ turn.T
    inside = space.camera_to_inside(user)
    local = space.points_to_inside(points) @ inside[:3, :3].T + inside[:3, 3]
    np.testing.assert_allclose(local[:, :2] / local[:, 2:], seen[:, :2] / seen[:, 2:])
    np.testing.assert_allclose(local, seen / 37.0, rtol=1e-8)
    stacked = space.camera_to_inside(np.stack([user, user])[None])
    np.testing.assert_array_equal(stacked[0, 1], inside)


def test_what_is_not_looked_at_in_the_user_world_is_still_the_origin() -> None:
    target = np.array([7.0, -2.0, 30.0])
    rng = np.random.default_rng(2)
    eyes = target + 50 * rng.normal(size=(20, 3))
    up = np.array([0.0, 0.0, 1.0])
    user = np.stack([cameras.look_at(eye, target, up) for eye in eyes]).astype(float)
    found = World.from_views(user)
    np.testing.assert_allclose(found.center, target, atol=1e-4)
    distances = np.linalg.norm(eyes - target, axis=1)
    assert found.scale == pytest.approx(4 / np.median(distances), rel=1e-6)


@pytest.mark.parametrize("behind", [False, True])
def test_axes_that_meet_nowhere_ahead_have_a_centre_ahead(behind: bool) -> None:
    """Cameras on a plane that look along z, parallel or (behind) spreading out."""
    rng = np.random.default_rng(3)
    eyes = np.c_[rng.uniform(-1, 1, (30, 2)), np.zeros(30)] + (5.0, 6.0, 7.0)
    targets = eyes + (0.0, 0.0, 10.0)
    if behind:
        targets += 2.0 * (eyes - (5.0, 6.0, 7.0))
    up = np.array([0.0, -1.0, 0.0])
    pairs = zip(eyes, targets, strict=True)
    user = np.stack([cameras.look_at(*pair, up) for pair in pairs]).astype(float)
    found = World.from_views(user)
    assert found.center[2] > 8.0
    np.testing.assert_allclose(found.center[:2], (5, 6), atol=0.5)
    inside, _ = world.eyes_and_axes(found.camera_to_inside(user))
    distances = np.linalg.norm(inside, axis=1)
    assert np.median(distances) == pytest.approx(4.0)
    assert distances.max() < 6


def test_cameras_in_one_point_tell_no_scale() -> None:
    found = World.from_views(np.stack([np.eye(4)] * 3))
    assert found.scale == 1.0
    np.testing.assert_array_equal(found.center, np.zeros(3))


def test_covariance_is_in_the_users_units() -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(size=(6, 6))
    found = World(FAR, 8.0).covariance_to_user(root @ root.T)
    shrunk = np.diag([1 / 8] * 3 + [1] * 3) @ root
    np.testing.assert_allclose(found, shrunk @ shrunk.T, rtol=1e-12)


def test_a_data_set_is_read_into_its_world(tmp_path: pathlib.Path) -> None:
    """The file moved and shrunk: the same cameras inside, true poses as they stand."""
    plain, other = (
        datasets.write_mad(tmp_path / name) / "transforms.json" for name in "ab"
    )
    for path in (other, other.with_name("test_poses.json")):
        content = json.loads(path.read_text())
        for frame in content["frames"]:
            matrix = np.array(frame["transform_matrix"])
            matrix[:3, 3] = matrix[:3, 3] / 500 + FAR
            frame["transform_matrix"] = matrix.tolist()
        path.write_text(json.dumps(content))
    first, second = (data.load_object(path.parent) for path in (plain, other))
    assert second.warnings == ()
    assert second.world.scale == pytest.approx(500 * first.world.scale, rel=1e-6)
    np.testing.assert_allclose(second.world.center, FAR, rtol=0, atol=1e-6)
    for one, two in zip(first.train, second.train, strict=True):
        assert one.camera is not None and two.camera is not None
        np.testing.assert_allclose(
            one.camera.camera_from_world, two.camera.camera_from_world, atol=1e-6
        )
    truth, far_truth = (data.read_test_poses(path.parent) for path in (plain, other))
    assert truth is not None and far_truth is not None
    for name, pose in truth.items():
        inside = second.world.camera_to_inside(far_truth[name])
        expected = first.world.camera_to_inside(pose)
        np.testing.assert_allclose(inside, expected, atol=1e-5)


def test_no_world_is_the_same_world() -> None:
    np.testing.assert_array_equal(World().camera_to_user(ORBIT), ORBIT)
    np.testing.assert_array_equal(World().camera_to_inside(ORBIT), ORBIT)
