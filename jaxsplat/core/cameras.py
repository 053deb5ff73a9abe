"""The pinhole camera record and what can be made from it."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.core import se3


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera in OpenCV axes: x right, y down, z forward.

    Attributes:
        camera_from_world: rigid motion from world to camera axes, [4, 4] (with leading
            batch axes when cameras are stacked).
        fx: focal length along x in pixels; `fy` along y.
        fy: see `fx`.
        cx: principal point in pixels; the centre of the first pixel is at 0.5.
        cy: see `cx`.
        width: image width in pixels (static).
        height: image height in pixels (static).
    """

    camera_from_world: Float[Array, "*b 4 4"]
    fx: Float[Array, " *b"]
    fy: Float[Array, " *b"]
    cx: Float[Array, " *b"]
    cy: Float[Array, " *b"]
    width: int = dataclasses.field(metadata=dict(static=True))
    height: int = dataclasses.field(metadata=dict(static=True))


def with_pose(camera: Camera, camera_from_world: Float[Array, "*b 4 4"]) -> Camera:
    """Returns the camera moved to another pose."""
    return dataclasses.replace(camera, camera_from_world=camera_from_world)


def resized(camera: Camera, width: int, height: int) -> Camera:
    """Returns the camera of the same view sampled at another image size."""
    sx, sy = width / camera.width, height / camera.height
    return Camera(
        camera.camera_from_world,
        camera.fx * sx,
        camera.fy * sy,
        camera.cx * sx,
        camera.cy * sy,
        width,
        height,
    )


def limited(camera: Camera, side: int) -> Camera:
    """Returns the camera of images whose longer side has so many pixels at most."""
    scale = min(1.0, side / max(camera.width, camera.height))
    width, height = round(camera.width * scale), round(camera.height * scale)
    return resized(camera, max(width, 1), max(height, 1))


def stack(cameras: Sequence[Camera]) -> Camera:
    """Returns one camera record with a leading batch axis; sizes must agree."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *cameras)


def ray(camera: Camera, pixel: Float[Array, "2"]) -> Float[Array, "3"]:
    """Returns the direction in camera axes, one deep, that a pixel looks along.

    Args:
        camera: one camera.
        pixel: column and row in pixels, the first pixel's centre at 0.5, [2].
    """
    x, y = (pixel[0] - camera.cx) / camera.fx, (pixel[1] - camera.cy) / camera.fy
    return jnp.stack([x, y, jnp.ones_like(x)])


def position(camera: Camera) -> Float[Array, "3"]:
    """Returns where the camera stands in the world."""
    return se3.inverse(camera.camera_from_world)[:3, 3]


def look_at(
    eye: Float[np.ndarray, "3"],
    target: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "4 4"]:
    """Returns `camera_from_world` of a camera at `eye` that looks at `target`.

    Args:
        eye: camera position in the world.
        target: world point on the optical axis.
        up: world direction that points up in the image; when it is parallel to the
            optical axis, the world axis farthest from that one is taken.

    Raises:
        DataError: `eye` and `target` are the same point.
    """
    forward = np.asarray(target - eye, dtype=np.float64)
    if not forward.any():
        raise errors.DataError(f"camera at {eye}: it stands at the point to look at")
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6 * np.linalg.norm(up):
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right = right / np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    transform = np.eye(4, dtype=np.float32)
    transform[:3, :3] = rotation
    transform[:3, 3] = -rotation @ eye
    return transform


def at_poses(camera: Camera, camera_from_world: Float[Array, "v 4 4"]) -> Camera:
    """Returns the camera at each of the poses, stacked along one leading axis."""
    views = camera_from_world.shape[:1]
    return Camera(
        camera_from_world,
        jnp.broadcast_to(camera.fx, views),
        jnp.broadcast_to(camera.fy, views),
        jnp.broadcast_to(camera.cx, views),
        jnp.broadcast_to(camera.cy, views),
        camera.width,
        camera.height,
    )
