"""Tile lists: which splats touch which tile, front to back, with static shapes.

Depth first: splats are sorted once by depth, expanded to (tile, splat) pairs in that
order, and the pairs sorted by tile. On overflow the farthest splats are the ones that
find no slot, so every list stays a front-to-back prefix of the full one.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Int

from jaxsplat.errors import ConfigError
from jaxsplat.rendering import footprints, sorting
from jaxsplat.rendering.batching import natively_batched
from jaxsplat.rendering.projection import Splats
from jaxsplat.rendering.tiling import grid

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
    """

    ids: Int[Array, "*b m"]
    starts: Int[Array, "*b t"]
    ends: Int[Array, "*b t"]
    needed: Int[Array, " *b"]


def count_pairs(
    splats: Splats, width: int, height: int, padding: float = 0.0
) -> Int[Array, " *b"]:
    """Returns the number of (tile, splat) pairs that complete lists need."""
    limit = grid(width, height)
    counts = footprints.tiles_in(footprints.rectangles(splats, limit, padding))
    return _ends(counts)[1]


def bin_splats(
    splats: Splats,
    width: int,
    height: int,
    capacity: int,
    padding: float = 0.0,
    search: sorting.Search | None = None,
) -> TileLists:
    """Returns the tile lists of one image.

    Under `vmap` the sorts are one-dimensional, over all images at once.

    Args:
        splats: `n` projected Gaussians.
        width: image width in pixels.
        height: image height in pixels.
        capacity: number of pair slots, the `m` of the result.
        padding: pixels by which splats may move before the lists no longer hold all
            that is seen.
        search: a kernel that does what `sorting.search` does, where there is one.

    Raises:
        ConfigError: a batch has 2^31 slots or more.
    """
    limit = grid(width, height)
    tiles = limit[0] * limit[1]

    def of_batch(depths: Array, *fields: Array) -> tuple[Array, Array, Array]:
        images = len(depths)
        if images * max(capacity, depths.shape[1]) > _MOST_PAIRS:
            raise ConfigError(
                f"tile lists of {images} images with {capacity} slots each: more than "
                "32 bits count; render fewer images at once"
            )
        order = sorting.depth_order(depths)
        pairs = _expand(Splats(*fields), order, limit, capacity, padding, search)
        keys, ranks = sorting.by_group(pairs.tiles, pairs.ranks, tiles, order.shape[1])
        ids = _pick(order, _flat(ranks, order.shape[1]))
        bounds = (search or sorting.search)(keys, 0, tiles + 1)
        return ids, bounds, pairs.needed

    by_field = (getattr(splats, f.name) for f in dataclasses.fields(splats))
    ids, bounds, needed = natively_batched(of_batch)(splats.depths, *by_field)
    return TileLists(ids, bounds[:-1], bounds[1:], needed)


class _Pairs(NamedTuple):
    """Pairs of tile and splat, front to back.

    Attributes:
        tiles: of each pair, the number of tiles where there is none, [b, m].
        ranks: places of its splat in the order of depths, [b, m].
        needed: pairs that there are, also beyond m, [b].
    """

    tiles: Int[Array, "b m"]
    ranks: Int[Array, "b m"]
    needed: Int[Array, " b"]


def _expand(
    splats: Splats,
    order: Int[Array, "b n"],
    limit: tuple[int, int],
    capacity: int,
    padding: float,
    search: sorting.Search | None,
) -> _Pairs:
    """Returns every splat's tiles, row by row, splats by depth.

    Args:
        splats: of b images, fields [b, n, ...].
        order: rows by depth.
        limit: tiles along x and y.
        capacity: slots for pairs, m.
        padding: see `bin_splats`.
        search: see `bin_splats`.
    """
    b, n = order.shape
    rectangles = footprints.rectangles(splats, limit, padding)
    counts = _pick(footprints.tiles_in(rectangles), _flat(order, n))
    ends, needed = _ends(counts)
    # A slot's rank is the number of splats that end at it or before.
    if search is None:
        ending = jnp.where(ends < capacity, _flat(ends, capacity), b * capacity)
        marks = jnp.zeros(b * capacity, jnp.int32).at[ending].add(1, mode="drop")
        ranks = jnp.cumsum(marks.reshape(b, capacity), axis=1)
    else:
        ranks = search(ends, 1, capacity)
    ranks = jnp.minimum(ranks, n - 1)
    slots = jnp.arange(capacity, dtype=jnp.int32)
    ranked = _flat(ranks, n)
    offsets = slots - _pick(ends - counts, ranked)
    places = _flat(_pick(order, ranked), n)
    x0, y0, x1, _ = (_pick(bound, places) for bound in rectangles)
    across = jnp.maximum(x1 - x0, 1)
    tile_x, tile_y = x0 + offsets % across, y0 + offsets // across
    kept = slots < ends[:, -1:]
    found = jax.tree.map(lambda x: _pick(x, places), footprints.ellipses(splats))
    kept &= footprints.touches(found, tile_x, tile_y, padding)
    tiles = jnp.where(kept, tile_y * limit[0] + tile_x, limit[0] * limit[1])
    return _Pairs(tiles, ranks, needed)


def _flat(places: Int[Array, "b k"], row: int) -> Int[Array, "b k"]:
    """Returns places in rows of an array [b, row] as places in all of it."""
    images = jnp.arange(places.shape[0], dtype=jnp.int32)
    return row * images[:, None] + places


def _pick(values: Array, places: Int[Array, "b m"]) -> Array:
    """Returns the values at places in all of an array, from `_flat`.

    XLA fuses such a gather with its neighbours; of one with an index for each axis it
    writes the indices to memory.
    """
    return values.reshape(-1)[places]


def _ends(counts: Int[Array, "*b n"]) -> tuple[Int[Array, "*b n"], Int[Array, " *b"]]:
    """Returns where each splat's pairs end, and the number of pairs.

    Where there are more pairs than 32 bits count, the pairs of the splats behind a
    number that surely fit are left out.
    """
    limit = 0.99 * _MOST_PAIRS
    total = jnp.sum(counts.astype(jnp.float32), axis=-1, keepdims=True)
    n = counts.shape[-1]
    most = jnp.max(counts, axis=-1, keepdims=True, initial=1).astype(jnp.float32)
    fitting = jnp.where(total < limit, n, (limit / most).astype(jnp.int32))
    counts = jnp.where(jnp.arange(n, dtype=jnp.int32) < fitting, counts, 0)
    found = jnp.sum(counts, axis=-1, dtype=jnp.int32)
    needed = jnp.where(total[..., 0] < limit, found, _MOST_PAIRS)
    return jnp.cumsum(counts, axis=-1), needed
