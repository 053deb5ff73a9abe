"""Marker boards: a printed plane whose corners a photograph's pose is found from.

The board is a chessboard with ArUco markers in its white squares (ChArUco), so that
corners are known by number and a part of them is enough. In the board's own frame, x
goes right along its columns, y down along its rows, and z into the table. The world
stands on it: x right, y up along the columns, z up, and its origin above the middle.
"""

import dataclasses
import io

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from jaxsplat.errors import ConfigError

_DICTIONARY = cv2.aruco.DICT_5X5_100
_DICTIONARY_NAME, _MARKERS = "DICT_5X5_100", 100
# A marker's side as a share of its square's.
_MARKER_SHARE = 0.75
# A pose and a share of the lens are told by no fewer.
_LEAST_CORNERS = 6
# Corners on a line tell no pose: the least spread across it, as a share of the longest.
_LEAST_SPREAD = 0.05
_MM_PER_INCH = 25.4
_PRINT_DPI = 300.0


@dataclasses.dataclass(frozen=True)
class Sighting:
    """The corners of a board in one photograph.

    Attributes:
        points: in the world, all in its plane z = const, mm, [n, 3].
        pixels: pixel centres at +0.5, [n, 2].
        ids: their numbers on the board, rising, [n].
    """

    points: Float[np.ndarray, "n 3"]
    pixels: Float[np.ndarray, "n 2"]
    ids: Int[np.ndarray, " n"]


@dataclasses.dataclass(frozen=True)
class Board:
    """A ChArUco board.

    Attributes:
        columns: squares from left to right, as printed; `rows` from top to bottom.
        rows: see `columns`.
        square_mm: side of a square, as measured on the print.
        origin_mm: height of the world's origin above the board.

    Raises:
        ConfigError: the board is too small, or has more markers than there are.
    """

    columns: int = 10
    rows: int = 7
    square_mm: float = 25.0
    origin_mm: float = 0.0

    def __post_init__(self) -> None:
        most = 2 * _MARKERS
        if min(self.columns, self.rows) < 3 or self.columns * self.rows > most:
            raise ConfigError(
                f"columns x rows: found {self.columns} x {self.rows}, expected 3 or "
                f"more of each and at most {most} squares"
            )
        if not self.square_mm > 0:
            raise ConfigError(
                f"square_mm: found {self.square_mm:g}, expected a length above 0"
            )

    @property
    def description(self) -> str:
        """What OpenCV needs to know of the board, in a line."""
        marker_mm = _MARKER_SHARE * self.square_mm
        return (
            f"ChArUco {self.columns} x {self.rows}, square {self.square_mm:g} mm, "
            f"marker {marker_mm:g} mm, {_DICTIONARY_NAME}"
        )

    def find(self, grey: UInt8[np.ndarray, "h w"]) -> Sighting | None:
        """Returns the board's corners in a photograph, None where it is not seen.

        Args:
            grey: the photograph.
        """
        detector = cv2.aruco.CharucoDetector(self._charuco())
        # OpenCV 4 puts each corner into an array of its own, OpenCV 5 does not.
        corners, numbers, *_ = detector.detectBoard(grey)
        if numbers is None or len(numbers) < _LEAST_CORNERS:
            return None
        ids = np.asarray(numbers, int).reshape(-1)
        order = np.argsort(ids)
        points = self.corners()[ids[order]]
        spread = np.linalg.svd(points[:, :2] - points[:, :2].mean(axis=0))[1]
        if spread[1] < _LEAST_SPREAD * spread[0]:
            return None
        # OpenCV has pixel centres at whole numbers.
        pixels = np.asarray(corners, np.float64).reshape(-1, 2)[order] + 0.5
        return Sighting(points, pixels, ids[order])

    def corners(self) -> Float[np.ndarray, "n 3"]:
        """Returns the inner corners of the chessboard in the world, mm, by number."""
        found = np.asarray(self._charuco().getChessboardCorners(), np.float64)
        across = 0.5 * self.square_mm * np.array([self.columns, self.rows])
        flat = (found[:, :2] - across) * (1.0, -1.0)
        return np.column_stack([flat, np.full(len(flat), -self.origin_mm)])

    def picture(self, pixels_per_square: int) -> UInt8[np.ndarray, "h w"]:
        """Returns the board from edge to edge, each square of so many pixels."""
        size = self.columns * pixels_per_square, self.rows * pixels_per_square
        return self._charuco().generateImage(size, marginSize=0)

    def page(self) -> bytes:
        """Returns the board as a PNG file to print, with its parameters under it.

        The file says how large it is, so that it is printed at 100 %.
        """
        side = max(10, round(_PRINT_DPI * self.square_mm / _MM_PER_INCH))
        margin, line = side * 2 // 5, max(12, side // 8)
        board = self.picture(side)
        height, width = board.shape
        page = np.full((height + 2 * margin + 4 * line, width + 2 * margin), 255)
        page[margin : margin + height, margin : margin + width] = board
        image = Image.fromarray(page.astype(np.uint8))
        texts = (
            self.description,
            f"--columns={self.columns} --rows={self.rows} "
            f"--square_mm={self.square_mm:g}: print at 100 %, then measure a square",
        )
        draw = ImageDraw.Draw(image)
        for number, text in enumerate(texts):
            size = line
            while size > 6 and draw.textlength(text, _font(size)) > width:
                size -= 1
            place = margin, height + 3 * margin // 2 + 2 * number * line
            draw.text(place, text, fill=0, font=_font(size))
        file = io.BytesIO()
        dpi = side / self.square_mm * _MM_PER_INCH
        image.save(file, "PNG", dpi=(dpi, dpi))
        return file.getvalue()

    def _charuco(self) -> cv2.aruco.CharucoBoard:
        return cv2.aruco.CharucoBoard(
            (self.columns, self.rows),
            self.square_mm,
            _MARKER_SHARE * self.square_mm,
            cv2.aruco.getPredefinedDictionary(_DICTIONARY),
        )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
