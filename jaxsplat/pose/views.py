"""One camera at many poses."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core.cameras import Camera


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
