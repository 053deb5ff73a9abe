"""The defect-free twin of an object: what every method asks for poses and renders."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import pose
from jaxsplat.core import cameras, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.rendering import api as render
from jaxsplat.rendering import sampling
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.scene.gaussians import Gaussians

# Poses of queries lie between and beyond those of the training views, so lists planned
# for these get some room.
_CAPACITY_SLACK = 1.5


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Twin:
    """A fitted object, ready to be looked at.

    Attributes:
        gaussians: the scene.
        gallery: coarse poses to start from.
        camera: intrinsics and image size of the queries.
        center: what the views look at, [3].
        background: RGB behind the object, [3].
        sampling_rate: `render.sampling_rate` at the center of the photographs that the
            scene was fitted to.
        capacity: of the renderer's lists at the queries' size (static).
        backend: of the renderer (static).
    """

    gaussians: Gaussians
    gallery: pose.Gallery
    camera: Camera
    center: Float[Array, "3"]
    background: Float[Array, "3"]
    sampling_rate: Float[Array, ""]
    capacity: int = dataclasses.field(metadata=dict(static=True))
    backend: Backend = dataclasses.field(metadata=dict(static=True))


def photograph(
    view: View, background: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "h w 3"]:
    """Returns a view's image over a background where it has alpha, else as it is."""
    if view.alpha is None:
        return view.image
    over = view.image + (1 - view.alpha[..., None]) * background
    return over.astype(np.float32)


def make_twin(
    gaussians: Gaussians,
    views: Sequence[View],
    camera: Camera,
    center: Float[np.ndarray, "3"],
    background: tuple[float, float, float] | None,
    backend: Backend | None = None,
) -> Twin:
    """Returns the twin, its gallery rendered from where the views were taken.

    Args:
        gaussians: the fitted scene.
        views: posed photographs of the good object.
        camera: intrinsics and image size of the queries.
        center: what the views look at, [3].
        background: the plain background's RGB; white is taken for alpha images without.
        backend: of the renderer.
    """
    behind = np.asarray((1.0, 1.0, 1.0) if background is None else background)
    behind = behind.astype(np.float32)
    posed = cameras.stack([view.camera for view in views if view.camera is not None])
    poses = pose.gallery_poses(np.asarray(posed.camera_from_world), center)
    middle = jnp.asarray(center, jnp.float32)
    rates = jax.vmap(sampling.sampling_rate, in_axes=(0, None))(posed, middle)
    sampling_rate = jnp.median(rates)
    gallery = pose.build_gallery(
        gaussians,
        camera,
        jnp.asarray(poses),
        center=middle,
        background=jnp.asarray(behind),
        sampling_rate=sampling_rate,
        backend=backend,
    )
    return Twin(
        gaussians,
        gallery,
        camera,
        middle,
        jnp.asarray(behind),
        sampling_rate,
        render.plan(gaussians, posed, _CAPACITY_SLACK),
        resolve_backend(backend),
    )


@functools.partial(jax.jit, static_argnames="side")
def shrink(images: Float[Array, "b h w 3"], side: int) -> Float[Array, "b h2 w2 3"]:
    """Returns the images with the longer side at most `side` pixels, by area."""
    height, width = images.shape[1:3]
    small_width, small_height = shrunken_size(width, height, side)
    return resampling.area_resize(images, small_height, small_width)


def shrunken_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Returns width and height scaled so that the longer is at most `side`."""
    scale = min(1.0, side / max(width, height))
    return max(round(width * scale), 1), max(round(height * scale), 1)


@jax.jit
def render_twin(
    twin: Twin, camera_from_world: Float[Array, "b 4 4"]
) -> Float[Array, "b h w 3"]:
    """Returns the good object seen from each pose, clamped to [0, 1]."""

    def one(matrix: Array) -> Array:
        camera = cameras.with_pose(twin.camera, matrix)
        drawn = render.render(
            twin.gaussians,
            camera,
            background=twin.background,
            backend=twin.backend,
            capacity=twin.capacity,
            minification=sampling.minification(camera, twin.center, twin.sampling_rate),
        )
        return jnp.clip(drawn.color, 0.0, 1.0)

    return jax.lax.map(one, camera_from_world)
