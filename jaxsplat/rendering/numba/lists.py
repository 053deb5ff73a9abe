"""Tile lists of one image, in one pass over its splats and two over the pairs."""

import math
from typing import no_type_check

import numpy as np

from jaxsplat.rendering import constants
from jaxsplat.rendering.numba.frames import compiled

_TILE = constants.TILE
# Bits of a depth that are sorted by at once.
_DIGIT = 11
_MOST = 2**31 - 1


@compiled
@no_type_check
def depth_order(depths):
    """Returns the rows by depth, all positive; equal depths stay in order."""
    n = len(depths)
    keys, order = depths.view(np.uint32), np.arange(n).astype(np.int32)
    other = np.empty_like(order)
    for shift in range(0, 32, _DIGIT):
        ends = np.zeros(2**_DIGIT + 1, np.int64)
        for i in range(n):
            ends[((keys[i] >> np.uint32(shift)) & np.uint32(2**_DIGIT - 1)) + 1] += 1
        ends = np.cumsum(ends)
        for i in range(n):
            row = order[i]
            digit = (keys[row] >> np.uint32(shift)) & np.uint32(2**_DIGIT - 1)
            other[ends[digit]] = row
            ends[digit] += 1
        order, other = other, order
    return order


@compiled
@no_type_check
def _tiles_along(center, extent, most):
    """Returns `footprints.rectangles` along one axis."""
    half = extent * (1 + 1e-5) + 1e-3
    first = max(math.ceil(center - half - 0.5), 0)
    last = min(math.floor(center + half - 0.5), most * _TILE - 1)
    if last < first:
        return 0, 0
    return int(first) // _TILE, int(last) // _TILE + 1


@compiled
@no_type_check
def _tiles_of_row(u, v, p, q, r, reach, row):
    """Returns the first and the last tile of a row that an ellipse reaches.

    Where the ellipse is widest to the right, its boundary has a slope of 0; the point
    of a row that is farthest to the right is there, or else where the row is nearest.
    """
    root = math.sqrt(reach)
    top = _TILE * row + 0.5 - v
    low, high = max(top, -root / r), min(top + _TILE - 1, root / r)
    if low > high:
        return 0, -1
    widest = q * root / (r * math.sqrt(q * q + r * r))
    y = min(max(-widest, low), high)
    right = (-q * y + math.sqrt(max(reach - r * r * y * y, 0.0))) / p
    y = min(max(widest, low), high)
    left = (-q * y - math.sqrt(max(reach - r * r * y * y, 0.0))) / p
    first = math.ceil((u + left - 1e-3 - _TILE + 0.5) / _TILE)
    last = math.floor((u + right + 1e-3 - 0.5) / _TILE)
    return first, last


@compiled
@no_type_check
def bin_image(
    means, factors, reaches, extents, depths, ids, slots, starts, ends, spans
):
    """Writes the lists of an image, and returns how many pairs complete ones need.

    Args:
        means: of the splats, and so on, see `Splats`.
        factors: see `means`.
        reaches: see `means`.
        extents: see `means`.
        depths: see `means`.
        ids: splats of the lists, one after another, [m].
        slots: place of each pair among all, splat by splat, [m].
        starts: where each tile's list begins, [rows, columns].
        ends: where it ends.
        spans: each splat's pairs among all, first and behind the last, [n, 2].
    """
    rows, columns = starts.shape
    capacity = len(ids)
    counts = np.zeros(rows * columns, np.int32)
    tiles, splats = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    needed, pairs = 0, 0
    for splat in depth_order(depths):
        spans[splat] = pairs
        if reaches[splat] <= 0:
            continue
        u, v = np.float64(means[splat, 0]), np.float64(means[splat, 1])
        x0, x1 = _tiles_along(u, np.float64(extents[splat, 0]), columns)
        y0, y1 = _tiles_along(v, np.float64(extents[splat, 1]), rows)
        p, q = np.float64(factors[splat, 0]), np.float64(factors[splat, 1])
        r = np.float64(factors[splat, 2])
        reach = np.float64(reaches[splat]) * (1 + 1e-4) + 1e-3
        across = x1 - x0
        for row in range(y0, y1):
            first, last = _tiles_of_row(u, v, p, q, r, reach, row)
            first, last = int(max(first, x0)), int(min(last, x1 - 1))
            # Where lists are too short, tiles count as `binning` counts them.
            last = min(last, x0 + capacity - needed - 1)
            for column in range(first, last + 1):
                tile = row * columns + column
                tiles[pairs], splats[pairs] = tile, splat
                counts[tile] += 1
                pairs += 1
            needed += across
        spans[splat, 1] = pairs
    total = 0
    for tile in range(rows * columns):
        starts[tile // columns, tile % columns] = total
        total += counts[tile]
        ends[tile // columns, tile % columns] = total
        counts[tile] = total - counts[tile]
    for pair in range(pairs):
        place = counts[tiles[pair]]
        counts[tiles[pair]] += 1
        ids[place], slots[place] = splats[pair], pair
    return min(needed, _MOST)
