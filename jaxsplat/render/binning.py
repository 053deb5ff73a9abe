"""Tile lists: which splats touch which tile, front to back, with static shapes.

Depth first: splats are sorted once by depth, expanded to (tile, splat) pairs in that
order, and the pairs sorted by tile. On overflow the farthest splats are the ones that
find no slot, so every list stays a front-to-back prefix of the full one.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Int

from jaxsplat.render import sorting
from jaxsplat.render.batching import natively_batched
from jaxsplat.render.constants import TILE
from jaxsplat.render.projection import Splats
from jaxsplat.render.tiling import grid

_MOST_PAIRS = 2**31 - 1


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TileLists:
    """Front-to-back lists of splats, one a tile, tiles row by row.

    Attributes:
        ids: splat of each pair, [m]; the lists follow one another without gaps, and
            entries behind the last are arbitrary.
        starts: where each tile's list begins in `ids`, [t].
        ends: where it ends, [t].
        needed: pairs that a complete list takes, at most 2^31 - 1; more than m means
            that the farthest splats were dropped.
        tile: pixels along a tile's side (static).
    """

    ids: Int[Array, "*b m"]
    starts: Int[Array, "*b t"]
    ends: Int[Array, "*b t"]
    needed: Int[Array, " *b"]
    tile: int = dataclasses.field(default=TILE, metadata=dict(static=True))


def tile_rectangles(
    splats: Splats, width: int, height: int, tile: int = TILE, padding: float = 0.0
) -> Int[Array, "n 4"]:
    """Returns half-open tile bounds (x0, y0, x1, y1) of each splat's visible ellipse.

    Bounds count the tiles that hold a pixel centre inside the ellipse's bounding box,
    made larger by `padding` pixels on every side.
    """
    limit = jnp.array(grid(width, height, tile))
    # Rounding in the box must not lose a pixel that the compositor would count.
    half = splats.extents * (1 + 1e-5) + (1e-3 + padding)
    first_px = jnp.ceil(splats.means - half - 0.5)
    last_px = jnp.floor(splats.means + half - 0.5)
    bound = tile * jnp.max(limit).astype(jnp.float32)
    first = jnp.clip(first_px, -1.0, bound).astype(jnp.int32)
    last = jnp.clip(last_px, -1.0, bound).astype(jnp.int32)
    low = jnp.clip(first // tile, 0, limit)
    high = jnp.clip(last // tile + 1, 0, limit)
    empty = (last < first) | (splats.reach <= 0)[:, None]
    high = jnp.where(jnp.any(empty, axis=1, keepdims=True), low, high)
    return jnp.concatenate([low, jnp.maximum(high, low)], axis=1)


def count_pairs(
    splats: Splats, width: int, height: int, tile: int = TILE, padding: float = 0.0
) -> Int[Array, ""]:
    """Returns the number of (tile, splat) pairs that complete lists need."""
    rectangles = tile_rectangles(splats, width, height, tile, padding)
    return _ends(_areas(rectangles))[1]


def _areas(rectangles: Int[Array, "n 4"]) -> Int[Array, " n"]:
    x0, y0, x1, y1 = rectangles.T
    return (x1 - x0) * (y1 - y0)


def _ends(counts: Int[Array, " n"]) -> tuple[Int[Array, " n"], Int[Array, ""]]:
    """Returns where each splat's pairs end, and the number of pairs.

    Pairs beyond what 32 bits count are left out of both.
    """
    # Their float32 sum tells where the integer sum would have wrapped.
    countable = jnp.cumsum(counts.astype(jnp.float32)) < 0.99 * _MOST_PAIRS
    ends = jnp.cumsum(jnp.where(countable, counts, 0))
    last = ends[-1] if len(counts) else jnp.int32(0)
    return ends, jnp.where(jnp.all(countable), last, _MOST_PAIRS)


def _touches(
    splats: Splats, tile_x: Array, tile_y: Array, tile: int, padding: float
) -> Bool[Array, " m"]:
    """Returns whether the ellipse reaches the tile's pixel centres' rectangle, [m].

    The least Mahalanobis distance over the rectangle lies at the centre when that is
    inside, else on the nearer vertical or the nearer horizontal edge.
    """
    p, q, r = splats.factors.T
    a, b, c = p * p, p * q, q * q + r * r
    side = tile - 1 + 2 * padding
    left = (tile * tile_x).astype(jnp.float32) + (0.5 - padding) - splats.means[:, 0]
    top = (tile * tile_y).astype(jnp.float32) + (0.5 - padding) - splats.means[:, 1]
    near_x = jnp.clip(0.0, left, left + side)
    near_y = jnp.clip(0.0, top, top + side)
    edge_y = jnp.clip(-b * near_x / jnp.maximum(c, 1e-12), top, top + side)
    edge_x = jnp.clip(-b * near_y / jnp.maximum(a, 1e-12), left, left + side)

    def distance(x: Array, y: Array) -> Array:
        return (p * x + q * y) ** 2 + (r * y) ** 2

    least = jnp.minimum(distance(near_x, edge_y), distance(edge_x, near_y))
    return least <= splats.reach * (1 + 1e-4) + 1e-3


def bin_splats(
    splats: Splats,
    width: int,
    height: int,
    capacity: int,
    tile: int = TILE,
    padding: float = 0.0,
) -> TileLists:
    """Returns the tile lists of one image.

    Under `vmap` the sorts are one-dimensional, over all images at once.

    Args:
        splats: `n` projected Gaussians.
        width: image width in pixels.
        height: image height in pixels.
        capacity: number of pair slots, the `m` of the result.
        tile: pixels along a tile's side.
        padding: pixels by which splats may move before the lists no longer hold all
            that is seen.
    """
    tiles_x, tiles_y = grid(width, height, tile)
    tiles = tiles_x * tiles_y
    n = splats.depths.shape[0]

    def expand(order: Int[Array, " n"], *columns: Array) -> tuple[Array, Array, Array]:
        """Returns tile and rank of every slot, and the number of pairs."""
        splats = Splats(*columns)
        rectangles = tile_rectangles(splats, width, height, tile, padding)[order]
        counts = _areas(rectangles)
        ends, needed = _ends(counts)
        slots = jnp.arange(capacity, dtype=jnp.int32)
        ranks = jnp.repeat(
            jnp.arange(n, dtype=jnp.int32),
            jnp.diff(ends, prepend=0),
            total_repeat_length=capacity,
        )
        offsets = slots - (ends - counts)[ranks]
        breadths = rectangles[:, 2] - rectangles[:, 0]
        across = jnp.maximum(breadths, 1)[ranks]
        tile_x = rectangles[ranks, 0] + offsets % across
        tile_y = rectangles[ranks, 1] + offsets // across
        pairs = jax.tree.map(lambda leaf: leaf[order[ranks]], splats)
        kept = slots < ends[-1]
        kept &= _touches(pairs, tile_x, tile_y, tile, padding)
        return jnp.where(kept, tile_y * tiles_x + tile_x, tiles), ranks, needed

    def of_batch(depths: Array, *columns: Array) -> tuple[Array, Array, Array]:
        order = sorting.depth_order(depths)
        keys, ranks, needed = jax.vmap(expand)(order, *columns)
        keys, ranks = sorting.by_tile(keys, ranks, tiles, n)
        ids = jnp.take_along_axis(order, ranks, axis=1)
        edges = jnp.arange(tiles + 1, dtype=keys.dtype)
        bounds = jax.vmap(lambda row: jnp.searchsorted(row, edges))(keys)
        return ids, bounds.astype(jnp.int32), needed

    by_field = (getattr(splats, f.name) for f in dataclasses.fields(splats))
    ids, bounds, needed = natively_batched(of_batch)(splats.depths, *by_field)
    return TileLists(ids, bounds[:-1], bounds[1:], needed, tile)
