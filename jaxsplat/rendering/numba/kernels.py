"""Tile lists, images and their derivatives, one tile or image at a time.

What the functions take and leave is in `compositing`. All arithmetic is that of
`blending`, in loops over the pixels of a tile that LLVM turns into vector instructions:
there are no branches in them, and an exponential of their own.
"""

import math
from typing import no_type_check

import numpy as np

from jaxsplat.rendering import constants
from jaxsplat.rendering.numba.frames import compiled, inlined

_TILE = constants.TILE
_PIXELS = _TILE * _TILE
_LOG_ALPHA_MAX = np.float32(math.log(constants.ALPHA_MAX))
_LOG_ALPHA_MIN = np.float32(math.log(constants.ALPHA_MIN))
_ALPHA_MAX = np.float32(constants.ALPHA_MAX)
_LEAST = np.float32(constants.TRANSMITTANCE_MIN)
_LOG2_E = np.float32(1 / math.log(2))
_ZERO, _HALF, _ONE, _TWO = (np.float32(x) for x in (0, 0.5, 1, 2))
# 2^f for |f| <= 1/2, least maximum of the relative error (2e-7).
_EXP2 = tuple(
    np.float32(c)
    for c in (
        1.5403530e-4,
        1.33335581e-3,
        9.61812911e-3,
        5.55041087e-2,
        2.40226507e-1,
        6.93147181e-1,
    )
)
_C6, _C5, _C4, _C3, _C2, _C1 = _EXP2
# Splats between two looks at whether a tile still lets light through.
LOOK = 8


@compiled
@no_type_check
def pixel_offsets():
    """Returns x and y of a tile's pixels, from its first."""
    x, y = np.empty(_PIXELS, np.float32), np.empty(_PIXELS, np.float32)
    for i in range(_PIXELS):
        x[i] = np.float32(i % _TILE)
        y[i] = np.float32(i // _TILE)
    return x, y


@compiled
@no_type_check
def opacity(exponent):
    """Returns `blending.alpha` of a logarithm of the opacity."""
    clamped = exponent if exponent < _LOG_ALPHA_MAX else _LOG_ALPHA_MAX
    clamped = clamped if clamped > _LOG_ALPHA_MIN else _LOG_ALPHA_MIN
    power = _LOG2_E * clamped
    whole = np.int32(power - _HALF)  # to the nearest: all powers are below 0
    part = power - np.float32(whole)
    found = _C6 * part + _C5
    found = found * part + _C4
    found = found * part + _C3
    found = found * part + _C2
    found = found * part + _C1
    found = found * part + _ONE
    scale = np.int32((whole + np.int32(127)) << np.int32(23)).view(np.float32)
    return found * scale if exponent >= _LOG_ALPHA_MIN else _ZERO


@inlined
@no_type_check
def composite_tile(table, ids, first, last, tile_x, tile_y, offsets, scratch, image):
    """Writes a tile of an image, [5, h, w], from its list `ids[first:last]`."""
    xs, ys = offsets
    light, red, green, blue = scratch[0], scratch[1], scratch[2], scratch[3]
    depth, coverage = scratch[4], scratch[5]
    light[:] = _ONE
    scratch[1:6] = _ZERO
    left = np.float32(tile_x * _TILE) + _HALF
    top = np.float32(tile_y * _TILE) + _HALF
    for k in range(first, last):
        splat = table[ids[k]]
        u, v = splat[0] - left, splat[1] - top
        p, q, r, log_opacity = splat[2], splat[3], splat[4], splat[5]
        c0, c1, c2, c3 = splat[6], splat[7], splat[8], splat[9]
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
            depth[i] += weight * c3
            coverage[i] += weight
        if (k - first) % LOOK == LOOK - 1 and is_dark(light):
            break
    _, height, width = image.shape
    for j in range(min(_TILE, height - tile_y * _TILE)):
        for i in range(min(_TILE, width - tile_x * _TILE)):
            y, x = tile_y * _TILE + j, tile_x * _TILE + i
            for channel in range(5):
                image[channel, y, x] = scratch[1 + channel, j * _TILE + i]


@compiled
@no_type_check
def is_dark(light):
    """Returns whether a tile lets no light through."""
    total = _ZERO
    for i in range(_PIXELS):
        total += light[i]
    return total <= _ZERO


@inlined
@no_type_check
def differentiate_tile(
    table, ids, slots, first, last, tile, offsets, scratch, image, pull, rows
):
    """Writes into `rows` what each splat of a tile's list gets of a cotangent.

    As in `xla`: the light behind a splat is the total minus what has been composited so
    far. A row holds the cotangents of the splat's record.
    """
    tile_x, tile_y = tile
    xs, ys = offsets
    light, rest, power = scratch[0], scratch[1], scratch[2]
    pull0, pull1, pull2, pull3, pull4 = (
        scratch[3],
        scratch[4],
        scratch[5],
        scratch[6],
        scratch[7],
    )
    _, height, width = image.shape
    light[:] = _ONE
    for j in range(_TILE):
        for i in range(_TILE):
            y, x = tile_y * _TILE + j, tile_x * _TILE + i
            total = _ZERO
            for channel in range(5):
                value = _ZERO
                if y < height and x < width:
                    value = pull[channel, y, x]
                    total += value * image[channel, y, x]
                scratch[3 + channel, j * _TILE + i] = value
            rest[j * _TILE + i] = total
    middle = np.float32(0.5 * (_TILE - 1))
    left = np.float32(tile_x * _TILE) + _HALF
    top = np.float32(tile_y * _TILE) + _HALF
    k = first
    while k < last:
        splat = table[ids[k]]
        u, v = splat[0] - left, splat[1] - top
        p, q, r, log_opacity = splat[2], splat[3], splat[4], splat[5]
        c0, c1, c2, c3 = splat[6], splat[7], splat[8], splat[9]
        d0 = d1 = d2 = d3 = _ZERO
        for i in range(_PIXELS):
            dx, dy = u - xs[i], v - ys[i]
            along, aside = p * dx + q * dy, r * dy
            alpha = opacity(log_opacity - _HALF * (along * along + aside * aside))
            weight = alpha * light[i]
            behind = light[i] - weight
            goes = behind >= _LEAST
            weight = weight if goes else _ZERO
            light[i] = behind if goes else _ZERO
            emitted = c0 * pull0[i] + c1 * pull1[i] + c2 * pull2[i] + c3 * pull3[i]
            gives = weight * (emitted + pull4[i])
            after = rest[i] - gives
            rest[i] = after
            # What the splat adds minus what it takes from all behind it.
            moves = gives - alpha * after / (_ONE - alpha)
            moves = moves if alpha < _ALPHA_MAX else _ZERO
            power[i] = moves if weight > _ZERO else _ZERO
            d0 += weight * pull0[i]
            d1 += weight * pull1[i]
            d2 += weight * pull2[i]
            d3 += weight * pull3[i]
        m = mx = my = mxx = mxy = myy = _ZERO
        for i in range(_PIXELS):
            x, y, value = xs[i] - middle, ys[i] - middle, power[i]
            m += value
            mx += value * x
            my += value * y
            mxx += value * x * x
            mxy += value * x * y
            myy += value * y * y
        x, y = u - middle, v - middle
        sum_x, sum_y = x * m - mx, y * m - my
        sum_xx = x * x * m - _TWO * x * mx + mxx
        sum_xy = x * y * m - x * my - y * mx + mxy
        sum_yy = y * y * m - _TWO * y * my + myy
        along = p * sum_x + q * sum_y
        row = rows[slots[k]]
        row[0] = -p * along
        row[1] = -(q * along + r * r * sum_y)
        row[2] = -(p * sum_xx + q * sum_xy)
        row[3] = -(p * sum_xy + q * sum_yy)
        row[4] = -r * sum_yy
        row[5] = m
        row[6] = d0
        row[7] = d1
        row[8] = d2
        row[9] = d3
        k += 1
        if (k - first) % LOOK == 0 and is_dark(light):
            break
    for j in range(k, last):
        rows[slots[j]] = _ZERO
