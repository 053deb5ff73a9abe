"""What stands behind an object: plain colours, floor and wall, its shadow, clutter."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from jaxsplat.study import sensor

RGB = tuple[float, float, float]

WALL: RGB = (0.80, 0.80, 0.79)
FLOOR: RGB = (0.62, 0.61, 0.59)
_SHADOW_SPREAD = 0.03  # deviation of a shadow's edge, of the picture's width
_SHADOW_SHIFT = 0.05  # how far it falls from the object, of the width
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN0123456789.,:-  "))


def plain(height: int, width: int, color: RGB) -> Float[np.ndarray, "h w 3"]:
    """Returns a picture of one colour."""
    return np.full((height, width, 3), color, np.float32)


def floor_and_wall(
    height: int, width: int, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Returns a floor before a wall: two greys that meet in a nearly level line.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        rng: of the line's height and slope.
    """
    level, slope = rng.uniform(0.35, 0.7) * height, rng.uniform(-0.08, 0.08)
    rows, columns = np.mgrid[:height, :width] + 0.5
    floor = np.clip(rows - level - slope * (columns - width / 2) + 0.5, 0, 1)
    floor = floor[..., None]
    return (floor * np.array(FLOOR) + (1 - floor) * np.array(WALL)).astype(np.float32)


def shadowed(
    behind: Float[np.ndarray, "h w 3"],
    coverage: Float[np.ndarray, "h w"],
    strength: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "h w 3"]:
    """Returns surroundings with an object's soft shadow on them.

    Args:
        behind: the surroundings, [h, w, 3].
        coverage: of the picture by the object, [h, w].
        strength: the share of light that is missing in the shadow's middle.
        rng: of the side on which it falls, always below the object.
    """
    width = behind.shape[1]
    angle = rng.uniform(0.15, 0.85) * np.pi
    shift = _SHADOW_SHIFT * width * np.array([np.cos(angle), np.sin(angle)])
    moved = cv2.warpAffine(
        coverage.astype(np.float32),
        np.array([[1, 0, shift[0]], [0, 1, shift[1]]]),
        (width, behind.shape[0]),
    )
    soft = sensor.blurred(moved, _SHADOW_SPREAD * width)
    return (behind * (1 - strength * soft[..., None])).astype(np.float32)


def clutter(
    height: int,
    width: int,
    rng: np.random.Generator,
    photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]] = (),
) -> Float[np.ndarray, "h w 3"]:
    """Returns a picture full of things at all scales: a workbench, a shelf, a room.

    Light and textures that change over the picture; boxes, blobs, lines and writing
    from a fiftieth to a half of its side; pieces of photographs where some are given.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        rng: of everything.
        photographs: RGB of which pieces are cut, of any size.
    """
    canvas = sensor.to_bytes(_texture(height, width, rng))
    if photographs and rng.random() < 0.5:
        canvas = _piece(photographs, (height, width), rng)
    for _ in range(rng.integers(25, 60)):
        # Log-uniform: small things are many, as on a bench.
        extent = int(max(3, max(height, width) * np.exp(rng.uniform(-4.0, -0.7))))
        kinds = [_box, _blob, _line, _writing]
        if photographs and rng.random() < 0.4:
            _paste(canvas, _piece(photographs, (extent, extent), rng), rng)
        else:
            kinds[rng.integers(len(kinds))](canvas, extent, rng)
    image = canvas.astype(np.float32) / 255
    # Things at another distance than the object are a little out of focus.
    return sensor.blurred(image, rng.uniform(0.3, 1.2))


def page(
    height: int, width: int, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Returns a page of dark writing on white paper."""
    canvas = np.full((height, width, 3), rng.integers(225, 250), np.uint8)
    size = rng.uniform(0.25, 0.6) * width / 200
    step = max(6, int(28 * size))
    ink = tuple(int(x) for x in rng.integers(0, 70, 3))
    for row in range(step, height, step):
        text = "".join(rng.choice(_LETTERS, 120))
        place = (int(0.06 * width), row)
        cv2.putText(canvas, text, place, 0, size, ink, 1, cv2.LINE_AA)
    margin = int(0.94 * width)
    canvas[:, margin:] = canvas[0, 0]
    return canvas.astype(np.float32) / 255


def _texture(
    height: int, width: int, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Returns smooth noise of several scales over a gradient of two colours."""
    first, second = np.array([_color(rng), _color(rng)]) / 255
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    along = np.cos(angle) * (columns - 0.5) + np.sin(angle) * (rows - 0.5) + 0.5
    image = first + along[..., None] * (second - first)
    for cells in (4, 16, 64):
        # Textures change in brightness, and little in colour.
        coarse = rng.normal(0, 0.05, (cells, cells, 1))
        coarse = coarse + rng.normal(0, 0.012, (cells, cells, 3))
        image += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(image, 0, 1).astype(np.float32)


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    """Returns a colour of things: most are dull, some are not."""
    value = rng.uniform(0.08, 0.95)
    tint = rng.uniform(-1, 1, 3) * value * rng.beta(1, 4)
    red, green, blue = (int(x) for x in sensor.to_bytes(value + tint))
    return red, green, blue


def _place(
    canvas: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator
) -> tuple[int, int]:
    """Returns column and row of a place in the picture."""
    height, width = canvas.shape[:2]
    return int(rng.integers(0, width)), int(rng.integers(0, height))


def _box(
    canvas: UInt8[np.ndarray, "h w 3"], extent: int, rng: np.random.Generator
) -> None:
    sides = (float(extent), float(extent * rng.uniform(0.2, 1.0)))
    corners = cv2.boxPoints((_place(canvas, rng), sides, rng.uniform(0, 180)))
    corners = np.rint(corners).astype(np.int32)
    cv2.fillConvexPoly(canvas, corners, _color(rng), cv2.LINE_AA)
    cv2.polylines(canvas, [corners], True, _color(rng), 1, cv2.LINE_AA)


def _blob(
    canvas: UInt8[np.ndarray, "h w 3"], extent: int, rng: np.random.Generator
) -> None:
    axes = (extent // 2, max(1, int(extent * rng.uniform(0.2, 0.5))))
    turn = rng.uniform(0, 180)
    center = _place(canvas, rng)
    cv2.ellipse(canvas, center, axes, turn, 0, 360, _color(rng), -1, cv2.LINE_AA)


def _line(
    canvas: UInt8[np.ndarray, "h w 3"], extent: int, rng: np.random.Generator
) -> None:
    ends = _place(canvas, rng), _place(canvas, rng)
    thickness = max(1, extent // 12)
    cv2.line(canvas, *ends, _color(rng), thickness, cv2.LINE_AA)


def _writing(
    canvas: UInt8[np.ndarray, "h w 3"], extent: int, rng: np.random.Generator
) -> None:
    text = "".join(rng.choice(_LETTERS, rng.integers(3, 14)))
    thickness = max(1, extent // 40)
    font, size = int(rng.integers(0, 4)), max(0.3, extent / 80)
    ink, place = _color(rng), _place(canvas, rng)
    cv2.putText(canvas, text, place, font, size, ink, thickness, cv2.LINE_AA)


def _piece(
    photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns a random part of a random photograph at a size (rows, columns)."""
    source = photographs[int(rng.integers(len(photographs)))]
    side = max(2, int(min(source.shape[:2]) * rng.uniform(0.4, 1.0)))
    row, column = (int(rng.integers(0, n - side + 1)) for n in source.shape[:2])
    part = source[row : row + side, column : column + side]
    return cv2.resize(part, shape[::-1], interpolation=cv2.INTER_AREA)


def _paste(
    canvas: UInt8[np.ndarray, "h w 3"],
    piece: UInt8[np.ndarray, "_ _ 3"],
    rng: np.random.Generator,
) -> None:
    column, row = _place(canvas, rng)
    room = canvas[row : row + piece.shape[0], column : column + piece.shape[1]]
    room[:] = piece[: room.shape[0], : room.shape[1]]
