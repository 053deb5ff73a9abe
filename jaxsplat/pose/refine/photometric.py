"""How well a pose explains a photograph: the loss of its render, what is in view."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.background import TOLERANCE
from jaxsplat.fitting import losses
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

# An object that covers less of the image than this is not in view: ten pixels of a
# 100x100 image, from which no pose can be told.
MIN_COVERAGE = 1e-3


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Scene:
    """What every query of a batch has in common.

    Attributes:
        gaussians: the good object.
        camera: intrinsics and image size; the pose is not looked at.
        background: RGB behind the object, [3].
        center: world point that rotations turn about, [3].
        minification: of the renderer.
        ssim_weight: lambda of the loss (static).
        backend: of the renderer (static).
        capacity: of the renderer's lists (static).
    """

    gaussians: Gaussians
    camera: Camera
    background: Float[Array, "3"]
    center: Float[Array, "3"]
    minification: float | Float[Array, ""] | None
    ssim_weight: float = dataclasses.field(metadata=dict(static=True))
    backend: Backend | None = dataclasses.field(metadata=dict(static=True))
    capacity: int = dataclasses.field(metadata=dict(static=True))


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
    scene: Scene, query: Float[Array, "h w 3"], camera_from_world: Float[Array, "4 4"]
) -> Look:
    """Returns how the object looks from a pose, compared with a photograph."""
    rendered = render_api.render(
        scene.gaussians,
        cameras.with_pose(scene.camera, camera_from_world),
        background=scene.background,
        backend=scene.backend,
        capacity=scene.capacity,
        minification=scene.minification,
    )
    loss = losses.photometric(rendered.color, query, scene.ssim_weight)
    return Look(loss, jnp.mean(rendered.alpha) >= MIN_COVERAGE, rendered.needed)


def shows_object(
    query: Float[Array, "h w 3"], background: Float[Array, "3"]
) -> Bool[Array, ""]:
    """Returns whether a photograph shows more than its background.

    A pixel does when a channel differs by more than the two grey levels that
    `data.silhouette` allows; `MIN_COVERAGE` of them make an object.
    """
    marked = jnp.any(jnp.abs(query - background) > TOLERANCE, axis=-1)
    return jnp.mean(marked.astype(jnp.float32)) >= MIN_COVERAGE
