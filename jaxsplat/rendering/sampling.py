"""How finely an object is sampled: pixels for each scene unit (Mip-Splatting's rate).

Yu et al. 2024 (Mip-Splatting), section 5.1. A cloud is as sharp as the photographs that
it was fitted to; where it is seen larger or smaller than there, `minification` says so
to the renderer.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import precision, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering.constants import NEAR

# Seen larger than it was fitted by more than the inverse, a cloud is blurred no
# further.
_LEAST = 0.25


def sampling_rate(camera: Camera, point: Float[Array, "3"]) -> Float[Array, ""]:
    """Returns how many pixels a scene unit takes at a point: fx / depth.

    Args:
        camera: one camera.
        point: in the world, [3].
    """
    camera, point = precision.single((camera, point))
    depth = se3.apply(camera.camera_from_world, point)[2]
    return camera.fx / jnp.maximum(depth, NEAR)


def usual_sampling_rate(views: Camera, point: Float[Array, "3"]) -> Float[Array, ""]:
    """Returns the median of `sampling_rate` over a stack of cameras."""
    return jnp.median(jax.vmap(sampling_rate, in_axes=(0, None))(views, point))


def minification(
    camera: Camera, point: Float[Array, "3"], fitted: float | Float[Array, ""]
) -> Float[Array, ""]:
    """Returns how many times smaller an object is seen than it was fitted.

    Args:
        camera: that sees it.
        point: of the object, such as its centre, [3].
        fitted: sampling rate at that point of the photographs that it was fitted to.
    """
    here = sampling_rate(camera, point)
    return jnp.maximum(precision.single(fitted) / here, _LEAST)
