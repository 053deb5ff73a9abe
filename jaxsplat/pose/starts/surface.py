"""Where on the object the points of views are: their depths in the twin."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float

from jaxsplat.core import cameras, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin

# Coverage by the twin from which a keypoint is on the object: beside outlines the depth
# is that of a mixture.
_COVERED = 0.9


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Surface:
    """Where on the object the views' keypoints are.

    Attributes:
        points: in the world, [v, n, 3].
        covered: whether the twin is there, [v, n].
    """

    points: Float[Array, "v n 3"]
    covered: Bool[Array, "v n"]


@jax.jit
def find_surface(twin: Twin, views: Camera, places: Float[Array, "v n 2"]) -> Surface:
    """Returns where on the twin points of views are.

    Args:
        twin: the object; its capacity is that of the views.
        views: cameras, stacked along one leading axis.
        places: x and y in pixels of each view, [v, n, 2].
    """

    def of_view(view: tuple[Camera, Array]) -> tuple[Array, Array]:
        camera, places = view
        drawn = twins.look(twin, camera)
        planes = jnp.stack([drawn.alpha, drawn.depth])
        alpha, depth = resampling.bilinear(planes, places[:, 0], places[:, 1])
        covered = alpha > _COVERED
        depth = depth / jnp.where(covered, alpha, 1.0)
        seen = depth[:, None] * jax.vmap(cameras.ray, (None, 0))(camera, places)
        world_from_camera = se3.inverse(camera.camera_from_world)
        return jax.vmap(se3.apply, (None, 0))(world_from_camera, seen), covered

    return Surface(*lax.map(of_view, (views, places)))
