"""How well a pose explains a photograph by SplatPose's loss."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras
from jaxsplat.fitting import losses
from jaxsplat.pose.visibility import MIN_COVERAGE
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.twin import Twin


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Scene:
    """What every query of a batch has in common.

    Attributes:
        twin: the good object; its camera has the size at which queries are compared.
        minification: of the renderer, the same for all poses as the paper has it.
        ssim_weight: lambda of the loss (static).
    """

    twin: Twin
    minification: Float[Array, ""]
    ssim_weight: float = dataclasses.field(metadata=dict(static=True))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Look:
    """What the render from one pose shows.

    Attributes:
        loss: SplatPose's equation 7 (`fitting.losses.photometric`) against the
            photograph.
        visible: the object covers `MIN_COVERAGE` of the image or more.
        needed: (tile, splat) pairs that the render took.
    """

    loss: Float[Array, ""]
    visible: Bool[Array, ""]
    needed: Int[Array, ""]


def look(
    scene: Scene,
    query: Float[Array, "h w 3"],
    camera_from_world: Float[Array, "4 4"],
    weights: Float[Array, "h w"] | None = None,
) -> Look:
    """Returns how the object looks from a pose, compared with a photograph.

    Args:
        scene: what is rendered.
        query: the photograph.
        camera_from_world: the pose.
        weights: of the photograph's pixels; all alike when None.
    """
    twin = scene.twin
    rendered = render_api.render(
        twin.gaussians,
        cameras.with_pose(twin.camera, camera_from_world),
        background=twin.background,
        backend=twin.backend,
        capacity=twin.capacity,
        minification=scene.minification,
    )
    loss = losses.photometric(rendered.color, query, scene.ssim_weight, weights=weights)
    return Look(loss, jnp.mean(rendered.alpha) >= MIN_COVERAGE, rendered.needed)
