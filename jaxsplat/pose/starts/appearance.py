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
from jaxsplat.pose import alignment, descent, exposure, hypotheses, pyramid
from jaxsplat.pose.pairs import side_by_side
from jaxsplat.pose.starts import codes, placing
from jaxsplat.pose.starts.gallery import Gallery

# (view, turn) pairs that are aligned for each photograph.
_CANDIDATES = 16
_STEPS = 8
_SCALE = 1.0


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
    return lax.map(one, images, batch_size=side_by_side(len(images)))


def _candidates(
    gallery: Gallery, camera: Camera, image: Array, background: Array
) -> tuple[Float[Array, "c 4 4"], Array]:
    """Returns the poses of the most similar (view, turn) pairs, and their views."""
    cut = codes.cut_out(image, background)
    turned = placing.turned_all_ways(cut)
    similarity = se3.matmul(jax.vmap(codes.encode)(turned), gallery.codes.T)
    _, best = lax.top_k(similarity.ravel(), min(_CANDIDATES, similarity.size))
    turn, view = jnp.divmod(best, len(gallery.codes))
    place = functools.partial(placing.place, gallery, camera, cut)
    return jax.vmap(place)(view, turn), view
