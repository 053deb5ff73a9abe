"""The object seen from many sides, rendered and encoded once.

Each view is kept as a code, to be found by, and as a small template, to be aligned
with. Where photographs left gaps between them, views are synthesised.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera, at_poses
from jaxsplat.errors import ConfigError
from jaxsplat.pose import alignment, pyramid
from jaxsplat.pose.alignment import Template
from jaxsplat.pose.pairs import side_by_side
from jaxsplat.pose.starts import codes
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering import sampling
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
# Directions all around that are offered for gaps, some 18 degrees apart.
_DIRECTIONS = 128
# One is taken where the nearest photograph is farther than the alignment likes, and no
# farther than photographs still tell of the object's sides.
_GAP = math.radians(15), math.radians(30)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gallery:
    """Views of one object.

    Attributes:
        codes: unit rows, [v, d].
        outlines: of the object, cut out at its size, in [0, 1], [v, s, s].
        rays: towards the outline's centre in camera axes, one deep, [v, 3].
        radii: of the outline, as tangents of the angle it is seen at, [v].
        templates: of the views, stacked along one leading axis.
        center: world point that the views look at, [3].
        background: RGB behind the object, [3].
    """

    codes: Float[Array, "v d"]
    outlines: Float[Array, "v s s"]
    rays: Float[Array, "v 3"]
    radii: Float[Array, " v"]
    templates: Template
    center: Float[Array, "3"]
    background: Float[Array, "3"]


def build_gallery(
    gaussians: Gaussians,
    camera: Camera,
    camera_from_world: Float[Array, "v 4 4"],
    *,
    center: Float[Array, "3"] | None = None,
    background: Float[Array, "3"] | None = None,
    sampling_rate: float | Float[Array, ""] | None = None,
    backend: Backend | None = None,
) -> Gallery:
    """Returns the gallery of a cloud seen from many poses.

    Args:
        gaussians: the good object, n rows.
        camera: intrinsics and image size of the queries; its pose is not looked at.
        camera_from_world: the poses, such as `gallery_poses` returns, [v, 4, 4].
        center: world point that they look at, the origin when None, [3].
        background: RGB behind the object, white when None, [3].
        sampling_rate: `render.sampling_rate` at the center of the photographs that the
            cloud was fitted to; the median of the poses at the queries' size when None.
        backend: of the renderer.
    """
    shrink = pyramid.coarsest(camera.width, camera.height)
    views = at_poses(pyramid.shrunken(camera, shrink), jnp.asarray(camera_from_world))
    center = jnp.zeros(3) if center is None else center
    if sampling_rate is None:
        rates = jax.vmap(sampling.sampling_rate, in_axes=(0, None))(views, center)
        sampling_rate = shrink * jnp.median(rates)
    smaller = jax.vmap(sampling.minification, in_axes=(0, None, None))
    capacity = render_api.plan(
        gaussians,
        views,
        1.0,
        minification=smaller(views, center, sampling_rate),
    )
    return _build(
        gaussians,
        views,
        center,
        jnp.ones(3) if background is None else background,
        sampling_rate,
        backend,
        capacity,
    )


@functools.partial(jax.jit, static_argnames=("backend", "capacity"))
def _build(
    gaussians: Gaussians,
    views: Camera,
    center: Array,
    background: Array,
    sampling_rate: Array,
    backend: Backend | None,
    capacity: int,
) -> Gallery:
    def one(camera: Camera) -> tuple[Array, Array, Array, Array, Template]:
        template, _ = alignment.render_template(
            gaussians,
            camera,
            center,
            backend=backend,
            capacity=capacity,
            minification=sampling.minification(camera, center, sampling_rate),
        )
        behind = background[:, None, None] * (1 - template.alpha)
        image = jnp.clip(jnp.moveaxis(template.color + behind, 0, -1), 0.0, 1.0)
        cut = codes.cut_out(image, background)
        reduced = codes.turned(cut.image, jnp.float32(0))
        ray, radius = cameras.ray(camera, cut.center), cut.radius / camera.fx
        return codes.encode(reduced), reduced[3], ray, radius, template

    together = side_by_side(len(views.fx))
    encoded, outlines, rays, radii, templates = lax.map(one, views, batch_size=together)
    return Gallery(encoded, outlines, rays, radii, templates, center, background)


def gallery_poses(
    photographs: Float[np.ndarray, "v 4 4"], center: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "v2 4 4"]:
    """Returns the photographs' poses, and more where they leave gaps.

    Args:
        photographs: `camera_from_world` of the posed photographs, one or more.
        center: world point that they look at, [3].
    """
    posed = np.asarray(photographs, np.float32)
    eyes = -np.einsum("vji,vj->vi", posed[:, :3, :3], posed[:, :3, 3]) - center
    distances = np.linalg.norm(eyes, axis=1, keepdims=True)
    radius = float(np.median(distances))
    offered = sphere_poses(center, radius, _DIRECTIONS)
    # The optical axis of a camera that looks at the centre is minus its direction.
    cosines = -offered[:, 2, :3] @ (eyes / distances).T
    nearest = np.arccos(np.clip(cosines.max(axis=1), -1.0, 1.0))
    gaps = (nearest > _GAP[0]) & (nearest < _GAP[1])
    return np.concatenate([posed, offered[gaps]])


def sphere_poses(
    center: Float[np.ndarray, "3"], radius: float, count: int
) -> Float[np.ndarray, "v 4 4"]:
    """Returns `camera_from_world` of cameras all around that look at a point.

    Their images have the world's z axis upwards, as Blender's scenes have it.

    Args:
        center: the point to look at, [3].
        radius: distance of the cameras from it in scene units.
        count: directions, evenly spread (Fibonacci lattice).

    Raises:
        ConfigError: a number is not positive.
    """
    for name, number in (("radius", radius), ("count", count)):
        if not number > 0:
            raise ConfigError(f"{name}: found {number}, expected a number above 0")
    up = np.array([0.0, 0.0, 1.0])
    index = np.arange(count)
    z = 1 - (2 * index + 1) / count
    ring = np.sqrt(1 - z * z)
    angle = _GOLDEN_ANGLE * index
    directions = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    poses = [cameras.look_at(center + radius * d, center, up) for d in directions]
    return np.stack(poses).astype(np.float32)
