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
