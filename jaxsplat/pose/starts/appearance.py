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
from jaxtyping import Float

from jaxsplat.core import cameras, precision, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import alignment, descent, exposure, hypotheses, pyramid
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.pairs import side_by_side
from jaxsplat.pose.starts import codes, placing
from jaxsplat.pose.starts.gallery import Gallery, GalleryFinder
from jaxsplat.rendering.twin import Twin

# (view, turn) pairs that are aligned for each photograph.
_CANDIDATES = 16
_STEPS = 8
_SCALE = 1.0


@dataclasses.dataclass(frozen=True)
class GalleryStarts(GalleryFinder):
    """The finder: any rotation in the image plane is looked for.

    The object may be off centre, nearer or farther than in the gallery, brighter or
    darker. Costs are the alignment's; they are infinite for poses that only fill up,
    and for photographs that are not finite.
    """

    def __call__(
        self, twin: Twin, state: Gallery, photographs: Float[Array, "b h w 3"]
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(self.k, twin, state, photographs)


@functools.partial(jax.jit, static_argnames="k")
def _find(k: int, twin: Twin, gallery: Gallery, photographs: Array) -> CoarsePoses:
    size = twin.camera.width, twin.camera.height
    small = pyramid.shrunken(twin.camera, pyramid.coarsest(*size))

    def one(image: Array) -> tuple[Array, Array]:
        background = exposure.border_color(image, twin.background)
        candidates, views = _candidates(twin.center, gallery, small, image, background)

        def refine(pose: Array, view: Array) -> tuple[Array, Array]:
            template = jax.tree.map(lambda leaf: leaf[view], gallery.templates)
            at = cameras.with_pose(small, pose)
            seen = alignment.estimate_exposure(template, image, at, background)
            evaluate = alignment.equations(
                template, image, small, twin.center, seen, _SCALE
            )
            found = descent.descend(evaluate, small, twin.center, pose, _STEPS)
            return found.pose, jnp.where(found.finite, found.cost, jnp.inf)

        poses, costs = jax.vmap(refine)(candidates, views)
        chosen, costs = hypotheses.distinct(poses, costs, k)
        return poses[chosen], costs

    images = resampling.area_resize(photographs, small.height, small.width)
    return CoarsePoses(*lax.map(one, images, batch_size=side_by_side(len(images))))


def _candidates(
    center: Array, gallery: Gallery, camera: Camera, image: Array, background: Array
) -> tuple[Float[Array, "c 4 4"], Array]:
    """Returns the poses of the most similar (view, turn) pairs, and their views."""
    cut = codes.cut_out(image, background)
    turned = placing.turned_all_ways(cut)
    similarity = se3.matmul(jax.vmap(codes.encode)(turned), gallery.codes.T)
    _, best = lax.top_k(similarity.ravel(), min(_CANDIDATES, similarity.size))
    turn, view = jnp.divmod(best, len(gallery.codes))
    place = functools.partial(placing.place, gallery, center, camera, cut)
    return jax.vmap(place)(view, turn), view
