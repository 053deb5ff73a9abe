"""Views of a gallery, placed where a photograph shows the object."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core import cameras, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose.starts import codes
from jaxsplat.pose.starts.codes import Cut
from jaxsplat.pose.starts.gallery import Gallery

# Rotations about the optical axis, 15 degrees apart.
_TURNS = np.linspace(0.0, 2 * np.pi, 24, endpoint=False).astype(np.float32)
# The outline of a defective or cut-off object misleads about its size; the distance is
# taken to be within this factor of the gallery's.
MOST_ZOOM = 1.4


def turned_all_ways(cut: Cut) -> Float[Array, "t 4 s s"]:
    """Returns `codes.turned` of a cut, by every angle about the optical axis."""
    return jax.vmap(codes.turned, in_axes=(None, 0))(cut.image, jnp.asarray(_TURNS))


def place(
    gallery: Gallery,
    center: Float[Array, "3"],
    camera: Camera,
    cut: Cut,
    view: Int[Array, ""],
    turn: Int[Array, ""],
) -> Float[Array, "4 4"]:
    """Returns the pose from which the object is seen as a view shows it, but turned.

    Args:
        gallery: of the object.
        center: of the object in the world, [3].
        camera: intrinsics of the photograph; its pose is not looked at.
        cut: the object in the photograph.
        view: index into the gallery.
        turn: index into `turned_all_ways`.
    """
    zoom = gallery.radii[view] / (cut.radius / camera.fx)
    return placed(
        gallery.templates.camera.camera_from_world[view],
        gallery.rays[view],
        cameras.ray(camera, cut.center),
        jnp.asarray(_TURNS)[turn],
        jnp.clip(zoom, 1 / MOST_ZOOM, MOST_ZOOM),
        center,
    )


def placed(
    pose: Float[Array, "4 4"],
    ray: Float[Array, "3"],
    towards: Float[Array, "3"],
    angle: Float[Array, ""],
    zoom: Float[Array, ""],
    center: Float[Array, "3"],
) -> Float[Array, "4 4"]:
    """Returns the pose at which a view is seen elsewhere, turned and resized.

    Turning a camera in its place moves and turns its image and leaves the object's look
    alone; going away shrinks it.

    Args:
        pose: `camera_from_world` of the view, [4, 4].
        ray: towards the object in the view's camera axes, [3].
        towards: where that ray shall be, [3].
        angle: by which the image turns, from the column to the row axis.
        zoom: by which the distance to the centre is multiplied.
        center: of the object in the world, [3].
    """
    axis = jnp.array([0.0, 0.0, 1.0], jnp.float32)
    roll = se3.exp(jnp.concatenate([jnp.zeros_like(axis), angle * axis]))[:3, :3]
    turn = se3.matmul(_rotation(axis, towards), se3.matmul(roll, _rotation(ray, axis)))
    rotation = se3.matmul(turn, pose[:3, :3])
    here = zoom * se3.matmul(turn, se3.apply(pose, center))
    return se3.from_parts(rotation, here - se3.matmul(rotation, center))


def _rotation(start: Float[Array, "3"], end: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Returns the least rotation between two directions less than half a turn apart."""
    start, end = start / jnp.linalg.norm(start), end / jnp.linalg.norm(end)
    cross = se3.skew(jnp.cross(start, end))
    return (
        jnp.eye(3, dtype=cross.dtype)
        + cross
        + se3.matmul(cross, cross) / (1 + jnp.sum(start * end))
    )
