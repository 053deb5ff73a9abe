"""The object seen from many sides, rendered and encoded once.

Each view is kept as a code, to be found by, and as a small template, to be aligned
with. Where photographs left gaps between them, views are synthesised.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core import cameras, precision
from jaxsplat.core.cameras import Camera, at_poses
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.pose import alignment, pyramid
from jaxsplat.pose.alignment import Template
from jaxsplat.pose.pairs import mapped, side_by_side
from jaxsplat.pose.starts import codes, matching
from jaxsplat.pose.starts.matching import Search, Windows
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering import sampling
from jaxsplat.rendering.twin import Twin

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
# Directions all around that are offered for gaps, some 18 degrees apart.
_DIRECTIONS = 128
# One is taken where the nearest photograph is farther than the alignment likes, and no
# farther than photographs still tell of the object's sides.
_GAP = math.radians(15), math.radians(30)

# Most photographs frame the object as the views do, and clutter has more to be mistaken
# for it the more places are looked at: those few are looked at closely, all others
# coarsely. Before pasted photographs, a view near the true one was among the 16 most
# similar in .97 of 70 queries of `05ATAT`; with windows of 16 pixels in .79 of 24.
_FRAMED = Search(side=32, zooms=(1.0,), around=1)
_ANYWHERE_SIDE, _ANYWHERE_ZOOMS = 16, (1.0, 1.25, 0.8)
# Number of views that a prepared gallery is a multiple of.
_MULTIPLE = 32


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gallery:
    """Views of one object.

    Attributes:
        codes: unit rows, [v, d].
        outlines: of the object, cut out at its size, in [0, 1], [v, s, s].
        rays: towards the outline's centre in camera axes, one deep, [v, 3].
        radii: of the outline, as tangents of the angle it is seen at, [v].
        framed: windows of the views, to be found before any background where the
            object is framed as in them.
        anywhere: coarser windows, to be found wherever it is.
        templates: of the views, stacked along one leading axis.
    """

    codes: Float[Array, "v d"]
    outlines: Float[Array, "v s s"]
    rays: Float[Array, "v 3"]
    radii: Float[Array, " v"]
    framed: Windows
    anywhere: Windows
    templates: Template


@dataclasses.dataclass(frozen=True)
class GalleryFinder:
    """What coarse finders have in common that look through a gallery.

    Attributes:
        k: poses of each photograph; they look at the object from different sides.
    """

    k: int = 4

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"k: found {self.k}, expected 1 pose or more")

    def prepare(self, twin: Twin, views: Sequence[View], key: PRNGKeyArray) -> Gallery:
        """Renders the gallery from where the views were taken; see `parts.Starts`."""
        del key
        return gallery_of_views(twin, views)


def build_gallery(twin: Twin, camera_from_world: Float[Array, "v 4 4"]) -> Gallery:
    """Returns the gallery of an object seen from many poses.

    Args:
        twin: the good object; its camera is that of the photographs.
        camera_from_world: the poses, such as `gallery_poses` returns, [v, 4, 4].
    """
    twin = precision.single(twin)
    small = pyramid.shrunken(
        twin.camera, pyramid.coarsest(twin.camera.width, twin.camera.height)
    )
    views = at_poses(small, jnp.asarray(camera_from_world, jnp.float32))
    smaller = jax.vmap(sampling.minification, in_axes=(0, None, None))
    capacity = render_api.plan(
        twin.gaussians,
        views,
        1.0,
        minification=smaller(views, twin.center, twin.sampling_rate),
    )
    twin = dataclasses.replace(twin, camera=small, capacity=capacity)
    reach, encoded, outlines, rays, radii, templates = _build(twin, views)
    around = matching.places(small, float(reach))
    search = Search(_ANYWHERE_SIDE, _ANYWHERE_ZOOMS, around)
    framed = _cut_windows(templates, twin.center, reach, _FRAMED)
    anywhere = _cut_windows(templates, twin.center, reach, search)
    return Gallery(encoded, outlines, rays, radii, framed, anywhere, templates)


@jax.jit
def _build(
    twin: Twin, views: Camera
) -> tuple[Array, Array, Array, Array, Array, Template]:
    """Returns the reach of all views, and of each what `Gallery` has of it."""

    def one(camera: Camera) -> tuple[Array, Array, Array, Array, Array, Template]:
        template, _ = alignment.render_template(twin, camera)
        behind = twin.background[:, None, None] * (1 - template.alpha)
        image = jnp.clip(jnp.moveaxis(template.color + behind, 0, -1), 0.0, 1.0)
        cut = codes.cut_out(image, twin.background)
        reduced = codes.turned(cut.image, jnp.float32(0))
        ray, radius = cameras.ray(camera, cut.center), cut.radius / camera.fx
        reach = matching.reach_of(template, twin.center)
        return reach, codes.encode(reduced), reduced[3], ray, radius, template

    together = side_by_side(len(views.fx))
    reach, *seen = mapped(one, views, together)
    return jnp.max(reach), *seen


@functools.partial(jax.jit, static_argnames="search")
def _cut_windows(
    templates: Template, center: Array, reach: Array, search: Search
) -> Windows:
    def one(template: Template) -> tuple[Array, Array, Array]:
        return matching.window(template, center, reach, search.side)

    colors, weights, edges = lax.map(one, templates)
    return Windows(colors, weights, edges, reach, search)


def gallery_of_views(twin: Twin, views: Sequence[View]) -> Gallery:
    """Returns the gallery from where the views were taken, and where they left gaps.

    It is filled up with views that are like no photograph: objects with a few views
    more or less then share their programs.
    """
    posed = np.asarray(posed_cameras(views).camera_from_world)
    poses = gallery_poses(posed, np.asarray(twin.center))
    fill = np.repeat(poses[:1], -len(poses) % _MULTIPLE, axis=0)
    gallery = build_gallery(twin, jnp.asarray(np.concatenate([poses, fill])))
    is_view = jnp.arange(len(poses) + len(fill)) < len(poses)

    def only_views(rows: Array) -> Array:
        return jnp.where(is_view.reshape(-1, *[1] * (rows.ndim - 1)), rows, 0.0)

    def only_views_found(windows: Windows) -> Windows:
        colors, edges = only_views(windows.colors), only_views(windows.edges)
        return dataclasses.replace(windows, colors=colors, edges=edges)

    return dataclasses.replace(
        gallery,
        codes=only_views(gallery.codes),
        outlines=only_views(gallery.outlines),
        framed=only_views_found(gallery.framed),
        anywhere=only_views_found(gallery.anywhere),
    )


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
