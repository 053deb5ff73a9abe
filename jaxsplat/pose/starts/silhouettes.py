"""Coarse poses from an object's outline alone, for photographs of another texture.

PTAD (Eq. 3) compares masks by their chamfer distance: the mean distance from a pixel of
one to the other, both ways. Here both masks are cut out first, so that shift and size
need not be searched, and the photograph's is turned by steps. The distances of all
(view, turn) pairs are then two matrix products with distance transforms. From the other
side an object has the mirrored outline: some rank high that look at the wrong side.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float

from jaxsplat.core import precision, resampling, se3
from jaxsplat.pose import hypotheses, pyramid
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.pairs import mapped, side_by_side
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts import codes, placing
from jaxsplat.pose.starts.gallery import Gallery, GalleryFinder
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import Twin

# (view, turn) pairs of which the different ones are taken.
_CANDIDATES = 128
_FAR = 2.0 * codes.SIDE  # pixels, to a mask that is empty


@dataclasses.dataclass(frozen=True)
class SilhouetteStarts(GalleryFinder):
    """The finder: directions of the gallery's views, turns 15 degrees apart.

    Costs are the chamfer distance in reduced pixels (`codes.SIDE` along the cut). They
    are infinite for poses that only fill up, and for photographs in which nothing
    stands out. Before unknown surroundings there is no outline to find it by.
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
    views = prepare(gallery.outlines > 0.5)

    def one(image: Array) -> tuple[Array, Array]:
        background = exposure.border_color(image, twin.background)
        cut = codes.cut_out(image, background)
        turned = placing.turned_all_ways(cut)
        masks = turned[:, 3] > 0.5
        distances = chamfer(prepare(masks), views)
        distances = jnp.where(jnp.any(masks), distances, jnp.inf).ravel()
        nearest, best = lax.top_k(-distances, min(_CANDIDATES, len(distances)))
        turn, view = jnp.divmod(best, len(gallery.outlines))
        place = functools.partial(placing.place, gallery, twin.center, small, cut)
        poses = jax.vmap(place)(view, turn)
        chosen, distances = hypotheses.distinct(poses, -nearest, k)
        return poses[chosen], distances

    images = resampling.area_resize(photographs.images, small.height, small.width)
    return CoarsePoses(*mapped(one, images, side_by_side(len(images))))


class Masks(NamedTuple):
    """Masks, prepared to be compared.

    Attributes:
        share: of each pixel in its mask's area, [n, p].
        away: each pixel's distance to the mask, [n, p].
    """

    share: Float[Array, "*b n p"]
    away: Float[Array, "*b n p"]


def prepare(masks: Bool[Array, "n h w"]) -> Masks:
    """Returns what comparing the masks with others takes."""
    inside = masks.reshape(len(masks), -1).astype(jnp.float32)
    share = inside / jnp.maximum(jnp.sum(inside, axis=1, keepdims=True), 1.0)
    return Masks(share, jax.vmap(distance_transform)(masks).reshape(inside.shape))


def chamfer(first: Masks, second: Masks) -> Float[Array, "m n"]:
    """Returns the chamfer distance in pixels of every two masks."""
    towards = se3.matmul(first.share, second.away.T)
    return towards + se3.matmul(first.away, second.share.T)


def distance_transform(mask: Bool[Array, "h w"]) -> Float[Array, "h w"]:
    """Returns each pixel's distance to the mask's nearest, in pixels.

    Exact, by rows and then by columns (Felzenszwalb and Huttenlocher 2012, Eq. 2).
    """
    squared = jnp.where(mask, jnp.float32(0), jnp.float32(_FAR**2))
    for _ in range(2):
        place = jnp.arange(squared.shape[1], dtype=jnp.float32)
        between = (place - place[:, None]) ** 2
        squared = jnp.min(squared[:, None, :] + between, axis=2).T
    return jnp.sqrt(squared)
