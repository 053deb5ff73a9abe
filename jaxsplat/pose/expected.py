"""What photographs should show if the object is good."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core import cameras
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.exposure import Exposure
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin


@jax.jit
def expected_photographs(
    twin: Twin, estimate: PoseEstimate
) -> tuple[Float[Array, "b h w 3"], Int[Array, " b"]]:
    """Returns the twin at the found poses, in each photograph's exposure.

    Args:
        twin: the object; its camera is that of the photographs.
        estimate: poses, exposures and backgrounds of b photographs.

    Returns:
        RGB in [0, 1], and the (tile, splat) pairs that each render took. More than the
        twin's capacity means that the farthest splats were left out.
    """

    def one(found: tuple[Array, Exposure]) -> tuple[Array, Array]:
        matrix, exposure = found
        drawn = twins.look(twin, cameras.with_pose(twin.camera, matrix))
        shown = exposure.apply(jnp.moveaxis(drawn.color, -1, 0), drawn.alpha)
        return jnp.moveaxis(shown, 0, -1), drawn.needed

    return jax.lax.map(one, (estimate.camera_from_world, estimate.exposure))
