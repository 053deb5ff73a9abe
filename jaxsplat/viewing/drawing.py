"""Our own renderer's picture of what a viewer's camera sees."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core import sizes
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.report import figures
from jaxsplat.report.figures import Rgb8
from jaxsplat.scene.gaussians import Gaussians

# Depth where nothing is, beyond all that is shown.
_FAR = 100.0
_COVERED = 0.5


class Drawer:
    """Draws a twin's scene from anywhere, with lists as long as it takes."""

    def __init__(self, twin: Twin) -> None:
        """Keeps the twin; nothing is compiled yet."""
        self._twin = twin

    def draw(
        self, gaussians: Gaussians, camera: Camera
    ) -> tuple[Rgb8, Float[np.ndarray, "h w"]]:
        """Returns the picture before the twin's background, and its depths.

        Args:
            gaussians: the twin's scene, in whatever colours.
            camera: with its pose.
        """
        twin = dataclasses.replace(self._twin, gaussians=gaussians)
        color, depth, needed = _draw(twin, camera)
        if int(needed) > twin.capacity:
            # From near and with other lenses tiles hold more than photographs need.
            capacity = sizes.at_least(int(1.25 * int(needed)), 2)
            self._twin = dataclasses.replace(self._twin, capacity=capacity)
            twin = dataclasses.replace(twin, capacity=capacity)
            color, depth, _ = _draw(twin, camera)
        return figures.to_uint8(np.asarray(color)), np.asarray(depth)


@jax.jit
def _draw(
    twin: Twin, camera: Camera
) -> tuple[Float[Array, "h w 3"], Float[Array, "h w"], Array]:
    drawn = look(twin, camera, twin.background)
    is_covered = drawn.alpha > _COVERED
    depth = drawn.depth / jnp.where(is_covered, drawn.alpha, 1.0)
    return drawn.color, jnp.where(is_covered, depth, _FAR), drawn.needed
