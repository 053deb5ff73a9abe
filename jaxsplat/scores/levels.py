"""Distances of two images, level by level, that forgive what is shifted by a little.

What is left of pose, outline and fit errors moves an edge by a pixel or two. Compared
in place, every edge and every grain of the material then counts as different; compared
with the most similar cell of a small neighbourhood, it does not, while what the twin
shows nowhere near stays as different as it is.

Colour counts as a level beside those of the network, whose features hardly see a faint
stain: half of it is lightness, half chroma, since light falls differently on a good
object too, but does not change its hue.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat import features
from jaxsplat.features import FeatureNetwork

# Weight of lightness and of chroma; a level of the network has 1.
_COLORS = (0.5, 0.5)
# A byte's step: what lies under it, photographs do not show.
_STEP = 1 / 255


class Distances(NamedTuple):
    """How far photographs are from what they should show.

    Attributes:
        least: squared distance to the most similar cell nearby, [levels, b, h, w].
        variation: mean squared distance of what they should show to the cells next to
            it: where that changes much, a small shift makes much difference; likewise.
        colors: `least` of the colours, pixel by pixel, [2, b, h, w].
    """

    least: Float[Array, "levels b h w"]
    variation: Float[Array, "levels b h w"]
    colors: Float[Array, "2 b h w"]


def size_of(height: int, width: int, side: int) -> tuple[int, int]:
    """Returns the (height, width) at which images are compared.

    Args:
        height: of the images, pixels.
        width: of the images, pixels.
        side: pixels of the shorter side.
    """
    shorter = min(height, width)
    return round(height * side / shorter), round(width * side / shorter)


def names(network: FeatureNetwork) -> tuple[str, ...]:
    """Returns what the levels are called."""
    return *features.level_names(network), "lightness", "chroma"


def weights(levels: int) -> Float[Array, " levels"]:
    """Returns what each level counts, adding up to 1; colours come last."""
    each = jnp.array([1.0] * (levels - len(_COLORS)) + [*_COLORS], jnp.float32)
    return each / jnp.sum(each)


def least_usual(levels: int) -> Float[Array, " levels"]:
    """Returns the distance of each level under which nothing is told apart."""
    least = [1e-12] * (levels - len(_COLORS)) + [_STEP**2] * len(_COLORS)
    return jnp.array(least, jnp.float32)


def distances(
    network: FeatureNetwork,
    seen: Float[Array, "b h w 3"],
    known: Float[Array, "b h w 3"],
    side: int,
    radius: int,
) -> Distances:
    """Returns the distances at the size that images are compared at.

    Args:
        network: that gives the features.
        seen: photographs, RGB in [0, 1].
        known: what they should show.
        side: pixels of the shorter side at which they are compared.
        radius: cells of each level on either side that are looked at.
    """
    height, width = size_of(seen.shape[1], seen.shape[2], side)
    both = jnp.concatenate([seen, known])
    both = jax.image.resize(both, (len(both), height, width, 3), "linear")
    small = (len(both), -(-height // 2), -(-width // 2), 3)
    levels = [
        *features.extract(network, both),
        *_colors(jax.image.resize(both, small, "linear")),
    ]
    count = len(seen)

    def whole(cells: Array) -> Array:
        return jax.image.resize(cells, (count, height, width), "linear")

    least = [nearest_distance(x[:count], x[count:], radius) for x in levels]
    change = [_variation(x[count:]) for x in levels]
    fine = [nearest_distance(x[:count], x[count:], radius) for x in _colors(both)]
    return Distances(
        jnp.stack([*map(whole, least)]),
        jnp.stack([*map(whole, change)]),
        jnp.stack(fine),
    )


def _colors(images: Float[Array, "b h w 3"]) -> tuple[Array, Array]:
    """Returns lightness and chroma (red to green, yellow to blue)."""
    red, green, blue = jnp.moveaxis(images, -1, 0)
    lightness = jnp.mean(images, axis=-1, keepdims=True)
    return lightness, jnp.stack([red - green, (red + green) / 2 - blue], axis=-1)


def nearest_distance(
    seen: Float[Array, "b h w c"], known: Float[Array, "b h w c"], radius: int
) -> Float[Array, "b h w"]:
    """Returns the least squared distance of each cell to those around it.

    Args:
        seen: features, whose every cell is compared.
        known: features that it is compared with.
        radius: cells on either side; 0 compares in place. Beyond the border the
            outermost go on.
    """
    far = jnp.full(seen.shape[:3], jnp.inf, seen.dtype)
    return _over_shifts(seen, known, radius, far, jnp.minimum)


def _variation(known: Float[Array, "b h w c"]) -> Float[Array, "b h w"]:
    """Returns the mean squared distance of each cell to the eight around it."""
    none = jnp.zeros(known.shape[:3], known.dtype)
    return _over_shifts(known, known, 1, none, jnp.add) / 8


def _over_shifts(
    seen: Float[Array, "b h w c"],
    known: Float[Array, "b h w c"],
    radius: int,
    first: Float[Array, "b h w"],
    joined: Callable[[Array, Array], Array],
) -> Float[Array, "b h w"]:
    """Returns the squared distances to all cells around, joined one after another."""
    height, width = seen.shape[1:3]
    around = [(0, 0), (radius, radius), (radius, radius), (0, 0)]
    padded = jnp.pad(known, around, mode="edge")
    side = 2 * radius + 1

    def step(found: Array, shift: Array) -> tuple[Array, None]:
        row, column = jnp.divmod(shift, side)
        shifted = lax.dynamic_slice_in_dim(padded, row, height, 1)
        shifted = lax.dynamic_slice_in_dim(shifted, column, width, 2)
        return joined(found, jnp.sum((seen - shifted) ** 2, axis=-1)), None

    return lax.scan(step, first, jnp.arange(side * side, dtype=jnp.int32))[0]
