"""Cameras: what resizing, cropping and placing do to projected points."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors
from jaxsplat.core import cameras

AXES = np.vstack([np.eye(3), -np.eye(3), [[1.0, 1.0, 1.0]]])
POINTS = np.random.default_rng(0).uniform(-0.5, 0.5, size=(10, 3))


def camera() -> cameras.Camera:
    pose = cameras.look_at(
        np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.0, -0.2]), np.array([0.0, 0.0, 1.0])
    )
    return cameras.Camera(
        camera_from_world=jnp.asarray(pose),
        fx=jnp.array(80.0),
        fy=jnp.array(90.0),
        cx=jnp.array(30.5),
        cy=jnp.array(21.0),
        width=64,
        height=48,
    )


def project(view: cameras.Camera, points: np.ndarray) -> np.ndarray:
    """Returns the pixel coordinates of world points by the pinhole formula."""
    pose = np.asarray(view.camera_from_world, dtype=np.float64)
    x, y, z = pose[:3, :3] @ points.T + pose[:3, 3:]
    return np.stack(
        [
            float(view.fx) * x / z + float(view.cx),
            float(view.fy) * y / z + float(view.cy),
        ],
        axis=1,
    )


@pytest.mark.parametrize(
    ("side", "size"), [(32, (32, 24)), (64, (64, 48)), (500, (64, 48)), (1, (1, 1))]
)
def test_the_longer_side_is_limited(side: int, size: tuple[int, int]) -> None:
    small = cameras.limited(camera(), side)
    assert (small.width, small.height) == size


@pytest.mark.parametrize("size", [(32, 24), (128, 48), (64, 96), (63, 47)])
def test_resized_camera_sees_the_same_picture(size: tuple[int, int]) -> None:
    view = camera()
    small = cameras.resized(view, *size)
    assert (small.width, small.height) == size
    # With pixel centres at +0.5, the image's edges scale onto the image's edges.
    expected = project(view, POINTS) * np.array(size) / [64, 48]
    np.testing.assert_allclose(project(small, POINTS), expected, rtol=1e-5)


def test_resizing_back_gives_the_same_camera() -> None:
    view = camera()
    back = cameras.resized(cameras.resized(view, 32, 24), 64, 48)
    np.testing.assert_allclose(project(back, POINTS), project(view, POINTS), rtol=1e-6)


def test_with_pose_changes_the_pose_only() -> None:
    moved = cameras.with_pose(camera(), jnp.eye(4))
    np.testing.assert_array_equal(moved.camera_from_world, np.eye(4))
    assert (moved.fx, moved.cy, moved.width) == (80, 21, 64)


def test_stack() -> None:
    stacked = cameras.stack([camera(), cameras.with_pose(camera(), jnp.eye(4))])
    assert stacked.camera_from_world.shape == (2, 4, 4)
    assert stacked.fx.shape == (2,)
    assert stacked.width == 64


def test_cameras_of_different_sizes_do_not_stack() -> None:
    with pytest.raises(ValueError, match="(?i)mismatch|pytree"):
        cameras.stack([camera(), cameras.resized(camera(), 32, 24)])


@pytest.mark.parametrize("eye", AXES * 3.0)
@pytest.mark.parametrize("up", AXES)
def test_look_at_puts_the_target_on_the_axis(eye: np.ndarray, up: np.ndarray) -> None:
    target = np.array([0.0, 0.0, 0.0])
    pose = cameras.look_at(eye, target, up)
    rotation = pose[:3, :3].astype(np.float64)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-6)
    seen = rotation @ target + pose[:3, 3]
    np.testing.assert_allclose(seen, [0, 0, np.linalg.norm(eye)], atol=1e-5)
    view = cameras.with_pose(camera(), jnp.asarray(pose))
    np.testing.assert_allclose(cameras.position(view), eye, atol=1e-5)
    # Up in the world is up in the image, against the y axis.
    assert (rotation @ up)[1] <= 1e-6
    np.testing.assert_allclose((rotation @ up)[0], 0, atol=1e-6)


def test_look_at_needs_two_points() -> None:
    with pytest.raises(errors.DataError, match="stands at the point"):
        cameras.look_at(np.ones(3), np.ones(3), np.array([0.0, 0.0, 1.0]))
