"""Where cameras stand in what is shown: upright, around the object, as frusta."""

import dataclasses
import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core import cameras, quaternions
from jaxsplat.core.cameras import Camera
from jaxsplat.data import world

# Of the turntable, above the object's middle.
_ELEVATION = math.radians(20.0)
# From where an object is first seen: how far, in multiples of its photographs'
# distance, so that what stands around it is in sight too; of how many sides; the angle
# from top to bottom of a window, its proportion, and how much of it is looked at.
_FIRST_DISTANCE, _SIDES = 1.8, 24
_FIRST_FOV, _FIRST_ASPECT, _LOOKED_AT = math.radians(50.0), 1.25, 0.9
# Below this cosine an image's vertical is too far from the world's to turn about that.
_UPRIGHT = 0.05
# Mean square of how far right vectors leave a plane, below which the cameras' horizons
# tell what is up.
_LEVEL = 0.1


@dataclasses.dataclass(frozen=True)
class Frustum:
    """A camera as viewers take it, in OpenCV axes.

    Attributes:
        wxyz: rotation from its axes to the world's, as a quaternion.
        position: in the world.
        fov: angle from top to bottom, in radians.
        aspect: width over height.
    """

    wxyz: tuple[float, ...]
    position: tuple[float, ...]
    fov: float
    aspect: float


def frustum(camera: Camera) -> Frustum:
    """Returns a camera as viewers take it; they know no principal point."""
    pose = np.asarray(camera.camera_from_world, np.float64)
    rotation = pose[:3, :3].T
    turned = quaternions.from_rotation(jnp.asarray(rotation, jnp.float32))
    return Frustum(
        tuple(np.asarray(turned, float).tolist()),
        tuple((-rotation @ pose[:3, 3]).tolist()),
        2 * math.atan(0.5 * camera.height / float(camera.fy)),
        float(camera.width / camera.fx * camera.fy / camera.height),
    )


def of_viewer(shown: Frustum, width: int, height: int) -> Camera:
    """Returns a viewer's camera for an image that is stretched to its window."""
    rotation = np.asarray(quaternions.to_rotation(jnp.asarray(shown.wxyz, jnp.float32)))
    pose = np.eye(4)
    pose[:3, :3] = rotation.T
    pose[:3, 3] = -rotation.T @ np.asarray(shown.position)
    focal = 0.5 * height / math.tan(0.5 * shown.fov)
    # Sides in whole pixels are not quite in the window's proportion.
    across = focal * width / (height * shown.aspect)
    middle = jnp.float32(0.5 * width), jnp.float32(0.5 * height)
    placed = jnp.asarray(pose, jnp.float32)
    focals = jnp.float32(across), jnp.float32(focal)
    return Camera(placed, *focals, *middle, width, height)


def up_of(posed: Sequence[Camera]) -> Float[np.ndarray, "3"]:
    """Returns the world's direction that is up in images, a unit vector.

    It is the one that most cameras' horizons are level with, where they are level with
    one, else the mean of their own; z where no camera is known.

    Args:
        posed: cameras with their poses.
    """
    if not posed:
        return np.array([0.0, 0.0, 1.0])
    rotations = np.stack([np.asarray(c.camera_from_world)[:3, :3] for c in posed])
    rights, ups = rotations[:, 0].astype(float), -rotations[:, 1].astype(float)
    mean = ups.mean(axis=0)
    spread, axes = np.linalg.eigh(rights.T @ rights / len(rights))
    if spread[0] < _LEVEL * spread[1]:
        level = axes[:, 0] if axes[:, 0] @ mean >= 0 else -axes[:, 0]
        return level
    length = np.linalg.norm(mean)
    return mean / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])


def upright(camera: Camera, up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Returns the direction next to `up` that is up in a camera's image, a unit vector.

    Viewers that turn about it see what the camera sees, however it was held. Of one
    that looks along `up`, or lay on its side or head, it is the image's own vertical.

    Args:
        camera: with its pose.
        up: the world's, a unit vector.
    """
    rotation = np.asarray(camera.camera_from_world, np.float64)[:3, :3]
    right, own = rotation[0], -rotation[1]
    nearest = up - (up @ right) * right
    return own if nearest @ own < _UPRIGHT else nearest / np.linalg.norm(nearest)


def overview(
    posed: Sequence[Camera],
    center: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    distance: float,
) -> Camera:
    """Returns a camera that sees the object and most of what was photographed from.

    Where several see as many cameras, it is the one that looks most as they do.

    Args:
        posed: cameras with their poses; none is needed.
        center: of the object.
        up: the direction that is up, a unit vector.
        distance: from which it is photographed, see `usual_distance`.
    """
    window = Frustum((1.0, 0.0, 0.0, 0.0), (0.0,) * 3, _FIRST_FOV, _FIRST_ASPECT)
    lens = of_viewer(window, round(1000 * _FIRST_ASPECT), 1000)
    views = turntable(lens, center, up, _FIRST_DISTANCE * distance, _SIDES)
    if not posed:
        return views[0]
    eyes = np.stack([np.asarray(cameras.position(camera)) for camera in posed])
    ahead = np.mean([np.asarray(c.camera_from_world)[2, :3] for c in posed], axis=0)

    def worth(view: Camera) -> tuple[int, float]:
        pose = np.asarray(view.camera_from_world)
        x, y, z = (eyes @ pose[:3, :3].T + pose[:3, 3]).T
        upward = _LOOKED_AT * math.tan(0.5 * _FIRST_FOV) * z
        is_seen = (np.abs(y) < upward) & (np.abs(x) < _FIRST_ASPECT * upward)
        return int(is_seen.sum()), float(pose[2, :3] @ ahead)

    return max(views, key=worth)


def turntable(
    lens: Camera,
    center: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    distance: float,
    count: int,
) -> list[Camera]:
    """Returns cameras all around an object that look down at it a little.

    Args:
        lens: intrinsics and size of all of them.
        center: what they look at.
        up: the direction that is up in their images, a unit vector.
        distance: from the center.
        count: of the cameras.
    """
    front = np.eye(3)[np.abs(up).argmin()]
    front = front - up * (front @ up)
    front /= np.linalg.norm(front)
    side = np.cross(up, front)
    found = []
    for angle in 2 * math.pi * np.arange(count) / count:
        level = math.cos(angle) * front + math.sin(angle) * side
        eye = math.cos(_ELEVATION) * level + math.sin(_ELEVATION) * up
        pose = cameras.look_at(center + distance * eye, center, up)
        found.append(cameras.with_pose(lens, jnp.asarray(pose)))
    return found


def even(camera: Camera) -> Camera:
    """Returns a camera whose image has even sides, as videos have them."""
    width, height = (max(2, side - side % 2) for side in (camera.width, camera.height))
    return cameras.resized(camera, width, height)


def usual_distance(posed: Sequence[Camera], center: Float[np.ndarray, "3"]) -> float:
    """Returns the median of the cameras' distances, as of a data set if none is known.

    Args:
        posed: cameras with their poses.
        center: from which it is measured.
    """
    if not posed:
        return world.DISTANCE
    eyes = [np.asarray(cameras.position(camera)) for camera in posed]
    return float(np.median(np.linalg.norm(np.stack(eyes) - center, axis=1)))
