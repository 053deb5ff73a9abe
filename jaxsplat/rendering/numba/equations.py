"""The normal equations of a pose, one tile at a time.

Two walks over a tile's list: the first composites its colours; the second knows the
light behind each splat as the total minus what has been composited so far, so a pixel's
derivatives by the powers of its splats need no derivative of the transmittance. Loops
over pixels are as in `kernels`; those over parameters and channels are unrolled.
"""

from typing import no_type_check

import numpy as np

from jaxsplat.rendering import constants, normal_form
from jaxsplat.rendering.motion import AXES, POSE, TERMS
from jaxsplat.rendering.numba.frames import compiled, inlined
from jaxsplat.rendering.numba.kernels import LOOK, is_dark, opacity

_TILE = constants.TILE
_PIXELS = _TILE * _TILE
_CHANNELS = normal_form.CHANNELS
_ALPHA_MAX = np.float32(constants.ALPHA_MAX)
_LEAST = np.float32(constants.TRANSMITTANCE_MIN)
_ZERO, _HALF, _ONE = (np.float32(x) for x in (0, 0.5, 1))
_OF_POSE = normal_form.sums(POSE)  # sums without gain and offset
_EXPOSURE = normal_form.EXPOSURE
_BEHIND, _EYE = normal_form.BACKGROUND.start, normal_form.EYE

# Rows of the scratch memory, a number for each pixel of a tile: the light that is left,
# colours, what of them lies behind, how they follow a splat's power, its weight,
# derivatives by pose and by the eye, how much a pixel counts, and columns of the
# Jacobian with the residual as the last.
_COLOR = 1
_REST = _COLOR + _CHANNELS
_PULL = _REST + _CHANNELS
_WEIGHT = _PULL + _CHANNELS
_GRADIENT = _WEIGHT + 1
_TINTED = _GRADIENT + POSE * _CHANNELS
_INFLUENCE = _TINTED + AXES * _CHANNELS
_COLUMNS = _INFLUENCE + 1
SCRATCH = _COLUMNS + (POSE + normal_form.EXPOSURE + 1) * _CHANNELS


@inlined
@no_type_check
def _composite(table, ids, first, last, left, top, offsets, scratch):
    """Writes a tile's colours; returns where the walk stopped."""
    xs, ys = offsets
    light, red, green, blue = (
        scratch[0],
        scratch[_COLOR],
        scratch[_COLOR + 1],
        scratch[_COLOR + 2],
    )
    light[:] = _ONE
    scratch[_COLOR:_REST] = _ZERO
    k = first
    while k < last:
        splat = table[ids[k]]
        u, v = splat[0] - left, splat[1] - top
        p, q, r, log_opacity = splat[2], splat[3], splat[4], splat[5]
        c0, c1, c2 = splat[6], splat[7], splat[8]
        for i in range(_PIXELS):
            dx, dy = u - xs[i], v - ys[i]
            along, aside = p * dx + q * dy, r * dy
            alpha = opacity(log_opacity - _HALF * (along * along + aside * aside))
            weight = alpha * light[i]
            behind = light[i] - weight
            weight = weight if behind >= _LEAST else _ZERO
            light[i] = behind if behind >= _LEAST else _ZERO
            red[i] += weight * c0
            green[i] += weight * c1
            blue[i] += weight * c2
        k += 1
        if (k - first) % LOOK == 0 and is_dark(light):
            break
    return k


@inlined
@no_type_check
def _add(scratch, to, change, place, u, v, offsets):
    """Adds to three rows what a splat's power changes of the colours.

    Args:
        scratch: memory.
        to: the first of the rows. With `place` a constant wherever this is called:
            of rows that are told by a variable LLVM does not know that they differ.
        change: tangents of the splat.
        place: of the first coefficient of the power's tangent.
        u: the splat's centre, from the tile's first pixel; `v` likewise.
        v: see `u`.
        offsets: of the tile's pixels.
    """
    xs, ys = offsets
    xx, xy, yy = change[place], change[place + 1], change[place + 2]
    x, y, flat = change[place + 3], change[place + 4], change[place + 5]
    red, green, blue = scratch[to], scratch[to + 1], scratch[to + 2]
    pull0, pull1, pull2 = scratch[_PULL], scratch[_PULL + 1], scratch[_PULL + 2]
    for i in range(_PIXELS):
        dx, dy = u - xs[i], v - ys[i]
        power = flat + dy * (yy * dy + y) + dx * (xx * dx + x + xy * dy)
        red[i] += pull0[i] * power
        green[i] += pull1[i] * power
        blue[i] += pull2[i] * power


@inlined
@no_type_check
def _add_tints(scratch, to, change, place):
    """Adds to three rows what the change of a splat's colour changes of the colours."""
    c0, c1, c2 = change[place], change[place + 1], change[place + 2]
    red, green, blue = scratch[to], scratch[to + 1], scratch[to + 2]
    weight = scratch[_WEIGHT]
    for i in range(_PIXELS):
        red[i] += weight[i] * c0
        green[i] += weight[i] * c1
        blue[i] += weight[i] * c2


@inlined
@no_type_check
def _derive(table, moving, ids, first, last, left, top, offsets, scratch):
    """Writes the derivatives of a tile's colours."""
    xs, ys = offsets
    colored = moving.shape[1] > POSE * TERMS
    light, weights = scratch[0], scratch[_WEIGHT]
    rest0, rest1, rest2 = scratch[_REST], scratch[_REST + 1], scratch[_REST + 2]
    pull0, pull1, pull2 = scratch[_PULL], scratch[_PULL + 1], scratch[_PULL + 2]
    light[:] = _ONE
    scratch[_REST:_PULL] = scratch[_COLOR:_REST]
    scratch[_GRADIENT:_INFLUENCE] = _ZERO
    for k in range(first, last):
        splat, change = table[ids[k]], moving[ids[k]]
        u, v = splat[0] - left, splat[1] - top
        p, q, r, log_opacity = splat[2], splat[3], splat[4], splat[5]
        c0, c1, c2 = splat[6], splat[7], splat[8]
        seen = _ZERO
        for i in range(_PIXELS):
            dx, dy = u - xs[i], v - ys[i]
            along, aside = p * dx + q * dy, r * dy
            alpha = opacity(log_opacity - _HALF * (along * along + aside * aside))
            weight = alpha * light[i]
            behind = light[i] - weight
            goes = behind >= _LEAST
            weight = weight if goes else _ZERO
            light[i] = behind if goes else _ZERO
            weights[i] = weight
            seen += weight
            # What the splat adds at this depth minus what it takes from all behind it.
            moves = weight if alpha < _ALPHA_MAX else _ZERO
            takes = alpha / (_ONE - alpha) if moves > _ZERO else _ZERO
            after0 = rest0[i] - weight * c0
            after1 = rest1[i] - weight * c1
            after2 = rest2[i] - weight * c2
            rest0[i] = after0
            rest1[i] = after1
            rest2[i] = after2
            pull0[i] = moves * c0 - takes * after0
            pull1[i] = moves * c1 - takes * after1
            pull2[i] = moves * c2 - takes * after2
        if seen > _ZERO:
            _add(scratch, _GRADIENT, change, 0, u, v, offsets)
            _add(scratch, _GRADIENT + 3, change, 6, u, v, offsets)
            _add(scratch, _GRADIENT + 6, change, 12, u, v, offsets)
            _add(scratch, _GRADIENT + 9, change, 18, u, v, offsets)
            _add(scratch, _GRADIENT + 12, change, 24, u, v, offsets)
            _add(scratch, _GRADIENT + 15, change, 30, u, v, offsets)
            if colored:
                _add_tints(scratch, _TINTED, change, 36)
                _add_tints(scratch, _TINTED + 3, change, 39)
                _add_tints(scratch, _TINTED + 6, change, 42)


@compiled
@no_type_check
def _columns(scratch, settings, target, tile_x, tile_y, colored, exposure):
    """Writes the columns of the Jacobian, and returns the cost of a tile."""
    _, height, width = target.shape
    cost = _ZERO
    last = _COLUMNS + 3 * (POSE + (_EXPOSURE if exposure else 0))
    for i in range(_PIXELS):
        y, x = tile_y * _TILE + i // _TILE, tile_x * _TILE + i % _TILE
        inside = y < height and x < width
        weight = target[_CHANNELS, y, x] if inside else _ZERO
        squared = _ZERO
        for c in range(_CHANNELS):
            color = scratch[_COLOR + c, i] + settings[_BEHIND + c]
            wanted = target[c, y, x] if inside else _ZERO
            residual = settings[c] * color + settings[_CHANNELS + c] - wanted
            squared += residual * residual
            scratch[last + c, i] = residual
            if exposure:
                for other in range(_CHANNELS):
                    row = _COLUMNS + 3 * (POSE + other) + c
                    scratch[row, i] = color if other == c else _ZERO
                    scratch[row + 9, i] = _ONE if other == c else _ZERO
            for j in range(POSE):
                slope = scratch[_GRADIENT + 3 * j + c, i]
                if colored:
                    for axis in range(AXES):
                        moves = settings[_EYE + AXES * j + axis]
                        slope += moves * scratch[_TINTED + 3 * axis + c, i]
                scratch[_COLUMNS + 3 * j + c, i] = settings[c] * slope
        softened = _ONE / (_ONE + squared * settings[2 * _CHANNELS])
        scratch[_INFLUENCE, i] = weight * softened * softened
        cost += _HALF * weight * squared * softened
    return cost


@compiled
@no_type_check
def _sum_up(scratch, count, found):
    """Writes the sums over a tile of the products of two columns each."""
    influence = scratch[_INFLUENCE]
    place = 0
    for left in range(count):
        for right in range(left, count):
            a, b = _COLUMNS + 3 * left, _COLUMNS + 3 * right
            total = _ZERO
            for i in range(_PIXELS):
                total += influence[i] * (
                    scratch[a, i] * scratch[b, i]
                    + scratch[a + 1, i] * scratch[b + 1, i]
                    + scratch[a + 2, i] * scratch[b + 2, i]
                )
            found[place] = total
            place += 1


@inlined
@no_type_check
def equations_tile(
    table, moving, ids, first, last, tile, offsets, settings, target, scratch, found
):
    """Writes the sums over a tile's pixels of `normal_form.products`.

    Args:
        table: records, [n, WIDTH], colours relative to the background.
        moving: tangents of the powers and, where colours change, of these, by row.
        ids: of the lists.
        first: where the tile's list begins, `last` where it ends.
        last: see `first`.
        tile: column and row of the tile.
        offsets: of the tile's pixels.
        settings: see `normal_form.EYE`.
        target: photograph and weights, [4, h, w].
        scratch: memory, [SCRATCH, pixels].
        found: the sums, [s].
    """
    tile_x, tile_y = tile
    left = np.float32(tile_x * _TILE) + _HALF
    top = np.float32(tile_y * _TILE) + _HALF
    reached = _composite(table, ids, first, last, left, top, offsets, scratch)
    _derive(table, moving, ids, first, reached, left, top, offsets, scratch)
    colored = moving.shape[1] > POSE * TERMS
    exposure = len(found) > _OF_POSE
    cost = _columns(scratch, settings, target, tile_x, tile_y, colored, exposure)
    _sum_up(scratch, POSE + 1 + (_EXPOSURE if exposure else 0), found)
    found[-1] = cost
