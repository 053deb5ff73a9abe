"""Coarse poses of photographs taken from anywhere, from an object's gallery.

A photograph's outline tells where in the image the object is and how large; its code,
turned in the image plane by steps, is compared with all views in one matrix product.
The best views are then aligned with the photograph as they are, without rendering.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

from jaxsplat.core import cameras, precision, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import aligning, alignment, hypotheses, pyramid
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.pairs import mapped, side_by_side
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

        def refine(pose: Array, view: Array, steps: Array) -> tuple[Array, Array]:
            template = jax.tree.map(lambda leaf: leaf[view], gallery.templates)
            at = cameras.with_pose(small, pose)
            seen = alignment.estimate_exposure(template, image, at, background, plain)
            problem = alignment.problem(
                template, image, small, twin.center, seen, plain, _SCALE
            )
            found = aligning.align(problem, pose, steps, twin.backend)
            return found.pose, jnp.where(found.finite, found.cost, jnp.inf)

        poses, costs = _in_rounds(refine, poses, views)
        chosen, costs = hypotheses.distinct(poses, costs, k)
        return poses[chosen], costs

    images = resampling.area_resize(photographs.images, small.height, small.width)
    reduced = dataclasses.replace(photographs, images=images)
    return CoarsePoses(*mapped(one, reduced, side_by_side(len(images))))


def _in_rounds(
    refine: Callable[[Array, Array, Array], tuple[Array, Array]],
    poses: Float[Array, "c 4 4"],
    views: Int[Array, " c"],
) -> tuple[Float[Array, "c2 4 4"], Float[Array, " c2"]]:
    """Returns the poses after all rounds, and their costs.

    A round takes the best in groups of one size, so that their alignment is compiled
    once. Costs are infinite where there were fewer than the last round takes.

    Args:
        refine: from a pose, its view and a number of steps to a better pose and its
            cost.
        poses: that there are.
        views: of the gallery, from which they come.
    """
    count = len(poses)
    size = side_by_side(count)
    filled = jnp.arange(-(-count // size) * size, dtype=jnp.int32)
    real, rows = filled < count, filled % count

    def round_of(state: tuple, plan: tuple[Array, Array]) -> tuple[tuple, None]:
        poses, views, real, costs = state
        most, steps = plan
        order = jnp.argsort(costs, stable=True)
        poses, views, real = poses[order], views[order], real[order]

        def group(number: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            poses, costs = state
            first = number * size
            some, their = (
                lax.dynamic_slice_in_dim(x, first, size) for x in (poses, views)
            )
            found, cost = jax.vmap(lambda pose, view: refine(pose, view, steps))(
                some, their
            )
            return (
                lax.dynamic_update_slice_in_dim(poses, found, first, 0),
                lax.dynamic_update_slice_in_dim(costs, cost, first, 0),
            )

        nothing = jnp.full(len(poses), jnp.inf, jnp.float32)
        groups = -(-jnp.minimum(most, count) // size)
        poses, costs = lax.fori_loop(jnp.int32(0), groups, group, (poses, nothing))
        costs = jnp.where(real & (filled < most), costs, jnp.inf)
        return (poses, views, real, costs), None

    most, steps = jnp.asarray(_ROUNDS, jnp.int32).T
    state = poses[rows], views[rows], real, jnp.where(real, 0.0, jnp.inf)
    (poses, _, _, costs), _ = lax.scan(round_of, state, (most, steps))
    last = _ROUNDS[-1][0]
    return poses[:last], costs[:last]


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
