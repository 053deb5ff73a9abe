"""Tile lists: which splats touch which tile, front to back, with static shapes.

Depth first: splats are sorted once by depth, expanded to (tile, splat) pairs in that
order, and the pairs sorted by tile. On overflow the farthest splats are the ones that
find no slot, so every list stays a front-to-back prefix of the full one.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Int

from jaxsplat.render.constants import TILE
from jaxsplat.render.projection import Splats


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TileLists:
    """Front-to-back lists of splats, one a tile, tiles row by row.

    Attributes:
        ids: splat of each pair, [m]; entries outside every list are arbitrary.
        starts: where each tile's list begins in `ids`, [t].
        ends: where it ends, [t].
        needed: pairs that a complete list takes; more than m means that the farthest
            splats were dropped.
    """

    ids: Int[Array, " m"]
    starts: Int[Array, " t"]
    ends: Int[Array, " t"]
    needed: Int[Array, ""]


def grid(width: int, height: int) -> tuple[int, int]:
    """Returns the number of tiles along x and y."""
    return -(-width // TILE), -(-height // TILE)


def tile_rectangles(splats: Splats, width: int, height: int) -> Int[Array, "n 4"]:
    """Returns half-open tile bounds (x0, y0, x1, y1) of each splat's visible ellipse.

    Bounds count the tiles that hold a pixel centre inside the ellipse's bounding box.
    """
    limit = jnp.array(grid(width, height))
    # Rounding in the box must not lose a pixel that the compositor would count.
    half = splats.extents * (1 + 1e-5) + 1e-3
    first_px = jnp.ceil(splats.means - half - 0.5)
    last_px = jnp.floor(splats.means + half - 0.5)
    bound = TILE * jnp.max(limit).astype(jnp.float32)
    first = jnp.clip(first_px, -1.0, bound).astype(jnp.int32)
    last = jnp.clip(last_px, -1.0, bound).astype(jnp.int32)
    low = jnp.clip(first // TILE, 0, limit)
    high = jnp.clip(last // TILE + 1, 0, limit)
    empty = (last < first) | (splats.reach <= 0)[:, None]
    high = jnp.where(jnp.any(empty, axis=1, keepdims=True), low, high)
    return jnp.concatenate([low, jnp.maximum(high, low)], axis=1)


def count_pairs(splats: Splats, width: int, height: int) -> Int[Array, ""]:
    """Returns the number of (tile, splat) pairs that complete lists need."""
    x0, y0, x1, y1 = tile_rectangles(splats, width, height).T
    return jnp.sum((x1 - x0) * (y1 - y0))


def _touches(splats: Splats, tile_x: Array, tile_y: Array) -> Array:
    """Returns whether the ellipse reaches the tile's pixel centres' rectangle, [m].

    The least Mahalanobis distance over the rectangle lies at the centre when that is
    inside, else on the nearer vertical or the nearer horizontal edge.
    """
    a, b, c = splats.conics.T
    left = (TILE * tile_x).astype(jnp.float32) + 0.5 - splats.means[:, 0]
    top = (TILE * tile_y).astype(jnp.float32) + 0.5 - splats.means[:, 1]
    near_x = jnp.clip(0.0, left, left + (TILE - 1))
    near_y = jnp.clip(0.0, top, top + (TILE - 1))
    edge_y = jnp.clip(-b * near_x / jnp.maximum(c, 1e-12), top, top + (TILE - 1))
    edge_x = jnp.clip(-b * near_y / jnp.maximum(a, 1e-12), left, left + (TILE - 1))

    def distance(x: Array, y: Array) -> Array:
        return a * x * x + 2 * b * x * y + c * y * y

    least = jnp.minimum(distance(near_x, edge_y), distance(edge_x, near_y))
    return least <= splats.reach * (1 + 1e-4) + 1e-3


def bin_splats(splats: Splats, width: int, height: int, capacity: int) -> TileLists:
    """Returns the tile lists of one image.

    Args:
        splats: `n` projected Gaussians.
        width: image width in pixels.
        height: image height in pixels.
        capacity: number of pair slots, the `m` of the result.
    """
    tiles_x, tiles_y = grid(width, height)
    tiles = tiles_x * tiles_y
    n = splats.depths.shape[0]
    order = jnp.argsort(splats.depths, stable=True).astype(jnp.int32)
    rectangles = tile_rectangles(splats, width, height)[order]
    columns = rectangles[:, 2] - rectangles[:, 0]
    counts = columns * (rectangles[:, 3] - rectangles[:, 1])
    ends = jnp.cumsum(counts)
    slots = jnp.arange(capacity, dtype=jnp.int32)
    ranks = jnp.repeat(
        jnp.arange(n, dtype=jnp.int32), counts, total_repeat_length=capacity
    )
    offsets = slots - (ends - counts)[ranks]
    across = jnp.maximum(columns, 1)[ranks]
    tile_x = rectangles[ranks, 0] + offsets % across
    tile_y = rectangles[ranks, 1] + offsets // across
    pair_splats = jax.tree.map(lambda leaf: leaf[order[ranks]], splats)
    kept = (slots < ends[-1]) & _touches(pair_splats, tile_x, tile_y)
    keys = jnp.where(kept, tile_y * tiles_x + tile_x, tiles)
    keys, ranks = _sort_by_tile(keys, ranks, tiles, n)
    bounds = jnp.searchsorted(keys, jnp.arange(tiles + 1, dtype=keys.dtype))
    bounds = bounds.astype(jnp.int32)
    return TileLists(order[ranks], bounds[:-1], bounds[1:], ends[-1])


def _sort_by_tile(
    tiles_of_pairs: Int[Array, " m"], ranks: Int[Array, " m"], tiles: int, n: int
) -> tuple[Int[Array, " m"], Int[Array, " m"]]:
    """Returns both arrays sorted by tile, then rank.

    Tile and rank are packed into one 32-bit key where they fit, because XLA's CPU sort
    of one operand is several times faster than of two (renderer notes; measured). The
    depth order makes the stable two-operand sort the same.
    """
    rank_bits = max(n - 1, 1).bit_length()
    if rank_bits + tiles.bit_length() <= 32:
        shift = jnp.uint32(rank_bits)
        keys = (tiles_of_pairs.astype(jnp.uint32) << shift) | ranks.astype(jnp.uint32)
        keys = lax.sort(keys)
        sorted_ranks = keys & jnp.uint32((1 << rank_bits) - 1)
        return (keys >> shift).astype(jnp.int32), sorted_ranks.astype(jnp.int32)
    sorted_tiles, sorted_ranks = lax.sort(
        (tiles_of_pairs, ranks), num_keys=1, is_stable=True
    )
    return sorted_tiles, sorted_ranks
