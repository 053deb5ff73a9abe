"""Coarse poses of photographs taken from anywhere, from an object's gallery.

A photograph's outline tells where in the image the object is and how large; its code,
turned in the image plane by steps, is compared with all views in one matrix product.
The best views are then aligned with the photograph as they are, without rendering.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import cameras, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import alignment, codes, descent, exposure, hypotheses, pyramid
from jaxsplat.pose.gallery import Gallery

# Rotations about the optical axis, 15 degrees apart.
_TURNS = 24
# (view, turn) pairs that are aligned for each photograph.
_CANDIDATES = 16
_STEPS = 8
_SCALE = 1.0
# The outline of a defective or cut-off object misleads about its size; the distance is
# taken to be within this factor of the gallery's.
_MOST_ZOOM = 1.4
_TOGETHER = 8  # photographs worked on side by side


@functools.partial(jax.jit, static_argnames="k")
def find_starts(
    gallery: Gallery, camera: Camera, queries: Float[Array, "b h w 3"], k: int
) -> tuple[Float[Array, "b k 4 4"], Float[Array, "b k"]]:
    """Returns poses that may explain each photograph, best first.

    Any rotation in the image plane is looked for; the object may be off centre, nearer
    or farther than in the gallery, brighter or darker.

    Args:
        gallery: of the object.
        camera: intrinsics and image size of the queries; its pose is not looked at.
        queries: photographs, RGB in [0, 1], [b, h, w, 3].
        k: how many; they look at the object from different sides.

    Returns:
        `camera_from_world` and the alignment's cost. Costs are infinite for poses that
        only fill up, and for photographs that are not finite.
    """
    small = pyramid.shrunken(camera, pyramid.coarsest(camera.width, camera.height))

    def one(image: Array) -> tuple[Array, Array]:
        background = exposure.border_color(image, gallery.background)
        candidates, views = _candidates(gallery, small, image, background)

        def refine(pose: Array, view: Array) -> tuple[Array, Array]:
            template = jax.tree.map(lambda leaf: leaf[view], gallery.templates)
            at = cameras.with_pose(small, pose)
            seen = alignment.estimate_exposure(template, image, at, background)
            evaluate = alignment.equations(
                template, image, small, gallery.center, seen, _SCALE
            )
            found = descent.descend(evaluate, small, gallery.center, pose, _STEPS)
            return found.pose, jnp.where(found.finite, found.cost, jnp.inf)

        poses, costs = jax.vmap(refine)(candidates, views)
        chosen, costs = hypotheses.distinct(poses, costs, k)
        return poses[chosen], costs

    images = resampling.area_resize(queries, small.height, small.width)
    return lax.map(one, images, batch_size=max(1, min(_TOGETHER, len(images))))


def _candidates(
    gallery: Gallery, camera: Camera, image: Array, background: Array
) -> tuple[Float[Array, "c 4 4"], Array]:
    """Returns the poses of the most similar (view, turn) pairs, and their views."""
    cut = codes.cut_out(image, background)
    angles = jnp.linspace(0.0, 2 * jnp.pi, _TURNS, endpoint=False)
    turned = jax.vmap(codes.turned, in_axes=(None, 0))(cut.image, angles)
    similarity = se3.matmul(turned, gallery.codes.T)
    views = len(gallery.codes)
    _, best = lax.top_k(similarity.ravel(), min(_CANDIDATES, _TURNS * views))
    towards = cameras.ray(camera, cut.center)
    radius = cut.radius / camera.fx

    def place(index: Array) -> Array:
        angle, view = angles[index // views], index % views
        zoom = jnp.clip(gallery.radii[view] / radius, 1 / _MOST_ZOOM, _MOST_ZOOM)
        pose = gallery.templates.camera.camera_from_world[view]
        return _placed(
            pose, gallery.rays[view], towards, angle, zoom, center=gallery.center
        )

    return jax.vmap(place)(best), best % views


def _placed(
    pose: Float[Array, "4 4"],
    ray: Float[Array, "3"],
    towards: Float[Array, "3"],
    angle: Float[Array, ""],
    zoom: Float[Array, ""],
    center: Float[Array, "3"],
) -> Float[Array, "4 4"]:
    """Returns the pose at which a view is seen elsewhere, turned and resized.

    Turning a camera in its place moves and turns its image and leaves the object's look
    alone; going away shrinks it.

    Args:
        pose: `camera_from_world` of the view, [4, 4].
        ray: towards the object in the view's camera axes, [3].
        towards: where that ray shall be, [3].
        angle: by which the image turns, from the column to the row axis.
        zoom: by which the distance to the centre is multiplied.
        center: of the object in the world, [3].
    """
    axis = jnp.array([0.0, 0.0, 1.0])
    roll = se3.exp(jnp.concatenate([jnp.zeros(3), angle * axis]))[:3, :3]
    turn = se3.matmul(_rotation(axis, towards), se3.matmul(roll, _rotation(ray, axis)))
    rotation = se3.matmul(turn, pose[:3, :3])
    here = zoom * se3.matmul(turn, se3.apply(pose, center))
    return se3.from_parts(rotation, here - se3.matmul(rotation, center))


def _rotation(start: Float[Array, "3"], end: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Returns the least rotation between two directions less than half a turn apart."""
    start, end = start / jnp.linalg.norm(start), end / jnp.linalg.norm(end)
    cross = se3.skew(jnp.cross(start, end))
    return jnp.eye(3) + cross + se3.matmul(cross, cross) / (1 + jnp.dot(start, end))
