"""Coarse poses of photographs taken from anywhere, from an object's gallery.

A photograph's outline tells where in the image the object is and how large; its code,
turned in the image plane by steps, is compared with all views in one matrix product.
The best views are then aligned with the photograph as they are, without rendering.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

from jaxsplat.core import cameras, precision, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import alignment, descent, hypotheses, pyramid
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.pairs import side_by_side
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts import codes, matching, placing
from jaxsplat.pose.starts.gallery import Gallery, GalleryFinder
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import Twin

# (view, turn) pairs of each way to find them that are aligned with a photograph, more
# of those framed as in the views before anything: where a part of the object is
# missing, or its outline is a circle, the right pair may be far down the list.
_CANDIDATES = 32
_FRAMED_CANDIDATES = 64
# Rounds of the alignment: how many pairs at most take part, and their steps.
_ROUNDS = ((128, 1), (32, 3), (16, 6))
_SCALE = 1.0


@dataclasses.dataclass(frozen=True)
class GalleryStarts(GalleryFinder):
    """The finder: any rotation in the image plane is looked for.

    The object may be off centre, nearer or farther than in the gallery, brighter or
    darker. Costs are the alignment's; they are infinite for poses that only fill up,
    and for photographs that are not finite.
    """

    def __call__(
        self, twin: Twin, state: Gallery, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(self.k, twin, state, photographs)


@functools.partial(jax.jit, static_argnames="k")
def _find(
    k: int, twin: Twin, gallery: Gallery, photographs: Photographs
) -> CoarsePoses:
    size = twin.camera.width, twin.camera.height
    small = pyramid.shrunken(twin.camera, pyramid.coarsest(*size))

    def one(photograph: Photographs) -> tuple[Array, Array]:
        image, plain = photograph.images, photograph.plain
        background = exposure.border_color(image, twin.background)
        by_outline = _by_outline(twin.center, gallery, small, image, background)
        by_windows = _by_windows(twin.center, gallery, small, image)
        poses, views = (jnp.concatenate(found) for found in zip(by_outline, by_windows))

        def refine(pose: Array, view: Array, steps: int) -> tuple[Array, Array]:
            template = jax.tree.map(lambda leaf: leaf[view], gallery.templates)
            at = cameras.with_pose(small, pose)
            seen = alignment.estimate_exposure(template, image, at, background, plain)
            evaluate = alignment.equations(
                template, image, small, twin.center, seen, plain, _SCALE
            )
            found = descent.descend(evaluate, small, twin.center, pose, steps)
            return found.pose, jnp.where(found.finite, found.cost, jnp.inf)

        def refined(poses: Array, views: Array, steps: int) -> tuple[Array, Array]:
            return jax.vmap(functools.partial(refine, steps=steps))(poses, views)

        costs = jnp.zeros(len(poses))
        for most, steps in _ROUNDS:
            _, kept = lax.top_k(-costs, min(most, len(costs)))
            poses, views = poses[kept], views[kept]
            poses, costs = refined(poses, views, steps)
        chosen, costs = hypotheses.distinct(poses, costs, k)
        return poses[chosen], costs

    images = resampling.area_resize(photographs.images, small.height, small.width)
    reduced = dataclasses.replace(photographs, images=images)
    return CoarsePoses(*lax.map(one, reduced, batch_size=side_by_side(len(images))))


def _by_outline(
    center: Array, gallery: Gallery, camera: Camera, image: Array, background: Array
) -> tuple[Float[Array, "c 4 4"], Int[Array, " c"]]:
    """Returns the poses of the most similar (view, turn) pairs, and their views."""
    cut = codes.cut_out(image, background)
    turned = placing.turned_all_ways(cut)
    similarity = se3.matmul(jax.vmap(codes.encode)(turned), gallery.codes.T)
    _, best = lax.top_k(similarity.ravel(), min(_CANDIDATES, similarity.size))
    turn, view = jnp.divmod(best, len(gallery.codes))
    place = functools.partial(placing.place, gallery, center, camera, cut)
    return jax.vmap(place)(view, turn), view


def _by_windows(
    center: Array, gallery: Gallery, camera: Camera, image: Array
) -> tuple[Float[Array, "c 4 4"], Int[Array, " c"]]:
    """Returns the same without an outline, wherever in the image the object is."""
    framed = matching.find(gallery.framed, image, camera, _FRAMED_CANDIDATES)
    anywhere = matching.find(gallery.anywhere, image, camera, _CANDIDATES)
    found = jax.tree.map(lambda *two: jnp.concatenate(two), framed, anywhere)

    def place(view: Array, turn: Array, zoom: Array, seen: Array) -> Array:
        pose = gallery.templates.camera.camera_from_world[view]
        here = se3.apply(pose, center)
        towards = cameras.ray(camera, seen)
        return placing.placed(pose, here / here[2], towards, turn, zoom, center)

    poses = jax.vmap(place)(found.view, found.turn, found.zoom, found.center)
    return poses, found.view
