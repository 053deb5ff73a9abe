"""What is found in images: points with descriptions, and which belong together."""

import dataclasses

import jax
from jax import Array
from jaxtyping import Bool, Float, Int


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Keypoints:
    """The same number of points in each image, best first.

    Where an image has fewer, the rest are not real: they have no description and take
    no part in anything. The cells of a grid (LoFTR's) come row by row, and have the
    lengths of their features as scores.

    Attributes:
        places: x and y in pixels, whose centres are at +.5, [..., n, 2].
        descriptors: unit vectors, [..., n, d].
        scores: how well each can be found again; 0 where it is not real, [..., n].
        real: which are real, [..., n].
        width: of the images in pixels (static).
        height: of the images in pixels (static).
    """

    places: Float[Array, "*b n 2"]
    descriptors: Float[Array, "*b n d"]
    scores: Float[Array, "*b n"]
    real: Bool[Array, "*b n"]
    width: int = dataclasses.field(metadata=dict(static=True))
    height: int = dataclasses.field(metadata=dict(static=True))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Matches:
    """Which keypoints of two images show the same point.

    Attributes:
        partner: index in the second image for each of the first's keypoints, -1 where
            it has none. No keypoint is the partner of two, [..., n].
        scores: how sure that is, in [0, 1]; 0 where there is no partner, [..., n].
    """

    partner: Int[Array, "*b n"]
    scores: Float[Array, "*b n"]
