"""Which tiles the ellipse of a splat covers."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Int

from jaxsplat.core import columns
from jaxsplat.rendering.constants import TILE
from jaxsplat.rendering.projection import Splats

Rectangles = tuple[Array, Array, Array, Array]


class Ellipses(NamedTuple):
    """Where splats are seen: u, v, p, q, r and reach of `Splats`, entry by entry."""

    u: Array
    v: Array
    p: Array
    q: Array
    r: Array
    reach: Array


def ellipses(splats: Splats) -> Ellipses:
    """Returns the splats' ellipses."""
    (u, v), (p, q, r) = columns.split(splats.means), columns.split(splats.factors)
    return Ellipses(u, v, p, q, r, splats.reach)


def rectangles(splats: Splats, limit: tuple[int, int], padding: float) -> Rectangles:
    """Returns half-open tile bounds x0, y0, x1, y1 of each splat's visible ellipse.

    Bounds count the tiles that hold a pixel centre inside the ellipse's bounding box,
    made larger by some pixels on every side.

    Args:
        splats: fields [*b, n, ...].
        limit: tiles along x and y.
        padding: those pixels.
    """
    lows, highs, empty = [], [], splats.reach <= 0
    centers, extents = columns.split(splats.means), columns.split(splats.extents)
    for center, extent, most in zip(centers, extents, limit, strict=True):
        # Rounding in the box must not lose a pixel that the compositor would count.
        half = extent * (1 + 1e-5) + (1e-3 + padding)
        bound = float(TILE * max(limit))
        first = jnp.clip(jnp.ceil(center - half - 0.5), -1.0, bound).astype(jnp.int32)
        last = jnp.clip(jnp.floor(center + half - 0.5), -1.0, bound).astype(jnp.int32)
        lows.append(jnp.clip(first // TILE, 0, most))
        highs.append(jnp.clip(last // TILE + 1, 0, most))
        empty |= last < first
    x0, y0 = lows
    x1, y1 = (
        jnp.where(empty, low, jnp.maximum(high, low))
        for low, high in zip(lows, highs, strict=True)
    )
    return x0, y0, x1, y1


def tiles_in(rectangles: Rectangles) -> Int[Array, "*b n"]:
    """Returns the number of tiles in each rectangle."""
    x0, y0, x1, y1 = rectangles
    return (x1 - x0) * (y1 - y0)


def touches(
    ellipses: Ellipses, tile_x: Array, tile_y: Array, padding: float
) -> Bool[Array, "..."]:
    """Returns whether a splat's ellipse reaches the rectangle of a tile's pixels.

    The rectangle is that of their centres. The least Mahalanobis distance over it lies
    at the splat's centre when that is inside, else on the nearer vertical or the nearer
    horizontal edge.
    """
    u, v, p, q, r, reach = ellipses
    a, b, c = p * p, p * q, q * q + r * r
    side = TILE - 1 + 2 * padding
    left = (TILE * tile_x).astype(jnp.float32) + (0.5 - padding) - u
    top = (TILE * tile_y).astype(jnp.float32) + (0.5 - padding) - v
    near_x = jnp.clip(0.0, left, left + side)
    near_y = jnp.clip(0.0, top, top + side)
    edge_y = jnp.clip(-b * near_x / jnp.maximum(c, 1e-12), top, top + side)
    edge_x = jnp.clip(-b * near_y / jnp.maximum(a, 1e-12), left, left + side)

    def distance(x: Array, y: Array) -> Array:
        return (p * x + q * y) ** 2 + (r * y) ** 2

    least = jnp.minimum(distance(near_x, edge_y), distance(edge_x, near_y))
    return least <= reach * (1 + 1e-4) + 1e-3
