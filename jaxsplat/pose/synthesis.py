"""Gallery views that no photograph shows, rendered from the fitted cloud."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.pose.views import at_poses
from jaxsplat.render import api as render_api
from jaxsplat.render.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_TOGETHER = 8  # views rendered side by side


def sphere_poses(
    center: Float[np.ndarray, "3"],
    radius: float,
    count: int,
    *,
    in_plane: int = 1,
    up: Float[np.ndarray, "3"] | None = None,
) -> Float[np.ndarray, "v 4 4"]:
    """Returns `camera_from_world` of cameras all around that look at a point.

    Args:
        center: the point to look at, [3].
        radius: distance of the cameras from it in scene units.
        count: directions, evenly spread (Fibonacci lattice).
        in_plane: rotations about the optical axis at each, from 0 in equal parts of a
            turn.
        up: world direction that points up in the image at rotation 0; +z when None, as
            Blender's scenes have it.

    Returns:
        [count * in_plane, 4, 4] float32, a direction's rotations one after another.

    Raises:
        ConfigError: a number is not positive.
    """
    for name, number in (("radius", radius), ("count", count), ("in_plane", in_plane)):
        if not number > 0:
            raise ConfigError(f"{name}: found {number}, expected a number above 0")
    up = np.array([0.0, 0.0, 1.0]) if up is None else up
    index = np.arange(count)
    z = 1 - (2 * index + 1) / count
    ring = np.sqrt(1 - z * z)
    angle = _GOLDEN_ANGLE * index
    directions = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    poses = [cameras.look_at(center + radius * d, center, up) for d in directions]
    turns = 2 * np.pi * np.arange(in_plane) / in_plane
    rolls = np.tile(np.eye(4), (in_plane, 1, 1))
    rolls[:, 0, 0] = rolls[:, 1, 1] = np.cos(turns)
    rolls[:, 0, 1], rolls[:, 1, 0] = -np.sin(turns), np.sin(turns)
    rolled = np.einsum("rij,vjk->vrik", rolls, np.stack(poses))
    return rolled.reshape(-1, 4, 4).astype(np.float32)


def synthesise_views(
    gaussians: Gaussians,
    camera: Camera,
    camera_from_world: Float[Array, "v 4 4"],
    *,
    background: Float[Array, "3"] | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
) -> tuple[Float[Array, "v h w 3"], Camera]:
    """Returns renders of the cloud from many poses, clamped to [0, 1], and the cameras.

    Both are what `build_gallery` takes. A gallery reduces its images anyway: a camera
    of 64 pixels is enough (`cameras.resized`).

    Args:
        gaussians: the good object, n rows.
        camera: intrinsics and image size; its pose is not looked at.
        camera_from_world: the poses, such as `sphere_poses` returns, [v, 4, 4].
        background: RGB behind the object, white when None, [3].
        backend: of the renderer.
        capacity: of the renderer's lists. None plans it from the poses.
    """
    poses = jnp.asarray(camera_from_world)
    views = at_poses(camera, poses)
    if capacity is None:
        capacity = render_api.plan(gaussians, views, slack=1.0, backend=backend)
    background = jnp.ones(3) if background is None else background
    images = _render_all(gaussians, views, background, backend, capacity)
    return images, views


@functools.partial(jax.jit, static_argnames=("backend", "capacity"))
def _render_all(
    gaussians: Gaussians,
    views: Camera,
    background: Float[Array, "3"],
    backend: Backend | None,
    capacity: int,
) -> Float[Array, "v h w 3"]:
    def one(camera: Camera) -> Array:
        rendered = render_api.render(
            gaussians,
            camera,
            background=background,
            backend=backend,
            capacity=capacity,
        )
        return jnp.clip(rendered.color, 0.0, 1.0)

    together = max(1, min(_TOGETHER, views.fx.shape[0]))
    return lax.map(one, views, batch_size=together)
