"""Photographs of a marker board by a known lens from known poses."""

import dataclasses
import functools

import cv2
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.data.boards import Board

WIDTH, HEIGHT = 640, 480
FOCAL = 700.0
# Off the middle, pixel centres at +0.5.
CENTER = (331.5, 233.0)
_FINE = 2
_PIXELS_PER_SQUARE = 100


@dataclasses.dataclass(frozen=True)
class Lens:
    """A lens; distortion is k1, k2, p1, p2."""

    focal: float = FOCAL
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def matrix(self) -> np.ndarray:
        """The camera matrix with pixel centres at whole numbers, as OpenCV has it."""
        return np.array(
            [
                [self.focal, 0, CENTER[0] - 0.5],
                [0, self.focal, CENTER[1] - 0.5],
                [0, 0, 1],
            ]
        )


def poses_around(count: int, distance_mm: float = 330.0) -> list[np.ndarray]:
    """Returns `camera_from_world`, mm, of cameras at two heights around the board."""
    found = []
    for index in range(count):
        azimuth = 2 * np.pi * index / count + 0.1
        elevation = np.radians((62, 40)[index % 2])
        eye = np.array(
            [
                np.cos(azimuth) * np.cos(elevation),
                np.sin(azimuth) * np.cos(elevation),
                np.sin(elevation),
            ]
        )
        target = np.array([5.0 * (index % 3), 0.0, 0.0])
        up = np.array([0.0, 0.0, 1.0])
        eye = (distance_mm + 9 * (index % 4)) * eye
        found.append(np.asarray(cameras.look_at(eye, target, up), np.float64))
    return found


def photograph(
    board: Board, camera_from_world: np.ndarray, lens: Lens | None = None
) -> np.ndarray:
    """Returns grey pixels of the board on a grey table, uint8, [h, w].

    The world is that of `Board`: x right, y up along the columns, z up, millimetres.
    """
    lens = lens or Lens()
    picture = board.picture(_PIXELS_PER_SQUARE)
    margin = _PIXELS_PER_SQUARE // 2
    page = cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_CONSTANT, value=255)
    mm = board.square_mm / _PIXELS_PER_SQUARE
    left = margin + board.columns * _PIXELS_PER_SQUARE / 2 - 0.5
    top = margin + board.rows * _PIXELS_PER_SQUARE / 2 - 0.5
    world_from_page = np.array([[mm, 0, -mm * left], [0, -mm, mm * top], [0, 0, 1]])
    plane = camera_from_world[:3, [0, 1, 3]].copy()
    plane[:, 2] -= board.origin_mm * camera_from_world[:3, 2]
    # Finer pixels, averaged later; their centres stand at (x + .5) / FINE - .5.
    fine = np.array([[_FINE, 0, (_FINE - 1) / 2], [0, _FINE, (_FINE - 1) / 2]])
    fine = np.vstack([fine, [0, 0, 1]])
    size = WIDTH * _FINE, HEIGHT * _FINE
    wanted = fine @ lens.matrix @ plane @ world_from_page
    if not any(lens.distortion):
        big = cv2.warpPerspective(page, wanted, size, borderValue=150)
        return cv2.resize(big, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    flat = np.linalg.inv(lens.matrix @ plane @ world_from_page)
    there = cv2.perspectiveTransform(_straightened(lens), flat)
    there = there.reshape(*size[::-1], 2).astype(np.float32)
    big = cv2.remap(
        page, there[..., 0], there[..., 1], cv2.INTER_LINEAR, borderValue=150
    )
    return cv2.resize(big, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


@functools.cache
def _straightened(lens: Lens) -> np.ndarray:
    """Returns where a straight lens sees what each fine pixel shows, [n, 1, 2]."""
    grid = np.stack(np.meshgrid(np.arange(WIDTH * _FINE), np.arange(HEIGHT * _FINE)))
    pixels = (grid.reshape(2, -1).T[:, None] + 0.5) / _FINE - 0.5
    bent = np.array([*lens.distortion, 0.0])
    return cv2.undistortPoints(pixels, lens.matrix, bent, P=lens.matrix)
