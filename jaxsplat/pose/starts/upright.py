"""Coarse poses from masks of an object that stands upright: PTAD's candidates, denser.

PTAD (section 3.2) compares the mask with those of 20 views at one elevation (Eq. 3) and
goes on from the best one. Chairs are alike from many sides, so the best of 20 is wrong
for a third of the photographs. Here views of the twin itself, from all around and from
several heights, are cut out at the object's size and compared by the share of the area
in which they differ; several that look from different sides are gone on with.
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

from jaxsplat.core import cameras, precision, resampling
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.pose import alignment, hypotheses, pyramid
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.pairs import mapped, side_by_side
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts import codes, placing
from jaxsplat.rendering.twin import Twin

# Of the masks at hand so many times as many as asked for are told apart by direction.
_CANDIDATES = 8


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class UprightViews:
    """Views of the object, cut out.

    Attributes:
        outlines: coverage, cut out at the object's size, [v, p].
        poses: `camera_from_world`, [v, 4, 4].
        rays: towards the outline's centre in camera axes, one deep, [v, 3].
        radii: of the outline, as tangents of the angle it is seen at, [v].
    """

    outlines: Float[Array, "v p"]
    poses: Float[Array, "v 4 4"]
    rays: Float[Array, "v 3"]
    radii: Float[Array, " v"]


@dataclasses.dataclass(frozen=True)
class UprightStarts:
    """The finder. Photographs are masks, white before black; the twin is white.

    Costs are the differing area over the joint one, 0 to 1. Cameras are taken to be
    upright as the views are that `prepare` is given, and to stand not below the object.

    Attributes:
        k: poses of each photograph; they look at the object from different sides.
        solid: the twin's `scene.meshes.Mesh2Splat.scale`.
        azimuths: views all around.
        elevations: heights of the views above the object's, in degrees.
    """

    k: int = 16
    solid: float = 0.65
    azimuths: int = 48
    elevations: tuple[float, ...] = (0.0, 12.0, 24.0, 36.0, 48.0, 60.0)

    def __post_init__(self) -> None:
        if min(self.k, self.azimuths, len(self.elevations)) < 1:
            raise ConfigError(
                f"k {self.k}, azimuths {self.azimuths}, elevations {self.elevations}: "
                "expected one or more of each"
            )

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> UprightViews:
        """Renders the views; arguments as in `parts.Starts`."""
        del key
        posed = np.asarray(posed_cameras(views).camera_from_world)
        poses = self._poses(posed, np.asarray(twin.center))
        return _prepare(precision.single(twin), jnp.asarray(poses), self.solid)

    def __call__(
        self, twin: Twin, state: UprightViews, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(min(self.k, len(state.poses)), twin, state, photographs)

    def _poses(
        self, posed: Float[np.ndarray, "v 4 4"], center: Float[np.ndarray, "3"]
    ) -> Float[np.ndarray, "v2 4 4"]:
        """Returns poses around the axis that the given views have upwards."""
        eyes = -np.einsum("vji,vj->vi", posed[:, :3, :3], posed[:, :3, 3]) - center
        radius = float(np.median(np.linalg.norm(eyes, axis=1)))
        up = -posed[:, 1, :3].mean(axis=0)
        up /= np.linalg.norm(up)
        front = np.eye(3)[np.abs(up).argmin()]
        front -= up * (front @ up)
        front /= np.linalg.norm(front)
        side = np.cross(up, front)
        found = []
        for elevation in self.elevations:
            lift = math.radians(elevation)
            for number in range(self.azimuths):
                turn = 2 * math.pi * number / self.azimuths
                level = math.cos(turn) * front + math.sin(turn) * side
                eye = radius * (math.cos(lift) * level + math.sin(lift) * up)
                found.append(cameras.look_at(center + eye, center, up))
        return np.stack(found).astype(np.float32)


@functools.partial(jax.jit, static_argnames="solid")
def _prepare(twin: Twin, poses: Array, solid: float) -> UprightViews:
    small = _small(twin)

    def one(pose: Array) -> tuple[Array, Array, Array]:
        camera = cameras.with_pose(small, pose)
        template, _ = alignment.render_template(twin, camera, solid)
        cut = codes.cut_out(jnp.moveaxis(template.color, 0, -1), jnp.zeros(3))
        ray, radius = cameras.ray(small, cut.center), cut.radius / small.fx
        return cut.image[3].ravel(), ray, radius

    outlines, rays, radii = mapped(one, poses, side_by_side(len(poses)))
    return UprightViews(outlines, poses, rays, radii)


@functools.partial(jax.jit, static_argnames="k")
def _find(
    k: int, twin: Twin, views: UprightViews, photographs: Photographs
) -> CoarsePoses:
    small = _small(twin)

    def one(image: Array) -> tuple[Array, Array]:
        cut = codes.cut_out(image, jnp.zeros(3))
        outline = cut.image[3].ravel()
        both = jnp.sum(jnp.minimum(outline, views.outlines), axis=1)
        joint = jnp.sum(jnp.maximum(outline, views.outlines), axis=1)
        costs = jnp.where(jnp.any(outline > 0.5), 1 - both / (joint + 1e-6), jnp.inf)
        least, best = lax.top_k(-costs, min(_CANDIDATES * k, len(costs)))

        def placed(view: Array) -> Array:
            zoom = views.radii[view] / (cut.radius / small.fx)
            return placing.placed(
                views.poses[view],
                views.rays[view],
                cameras.ray(small, cut.center),
                jnp.float32(0),
                jnp.clip(zoom, 1 / placing.MOST_ZOOM, placing.MOST_ZOOM),
                twin.center,
            )

        poses = jax.vmap(placed)(best)
        chosen, costs = hypotheses.distinct(poses, -least, k)
        return poses[chosen], costs

    images = resampling.area_resize(photographs.images, small.height, small.width)
    return CoarsePoses(*mapped(one, images, side_by_side(len(images))))


def _small(twin: Twin) -> cameras.Camera:
    size = twin.camera.width, twin.camera.height
    return pyramid.shrunken(twin.camera, pyramid.coarsest(*size))
