"""Photographs of a lens with distortion to those of a pinhole, by OpenCV's model.

The pinhole sees the largest upright rectangle that the photograph covers wholly, and
its image has the photograph's size: every pixel has a source, none is invented.
"""

import dataclasses
import functools

import cv2
import numpy as np
from jaxtyping import Float

from jaxsplat.data.lens import Lens
from jaxsplat.errors import DataError

# Points along each side of the photograph.
_ALONG = 201
_ITERATIONS = 200
# In units of the focal length; a thousandth of a pixel at 1000 pixels.
_CONVERGED = 1e-6
# The sides of the rectangle, in the photograph's; beyond, the coefficients are wrong.
_SMALLEST, _LARGEST = 0.25, 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class Undistortion:
    """The way from a photograph to its pinhole image.

    Attributes:
        lens: the pinhole, of the same image size.
        columns: column of the photograph that each pixel shows, [h, w], where the first
            pixel's centre is at 0; `rows` likewise.
        rows: see `columns`.
    """

    lens: Lens
    columns: Float[np.ndarray, "h w"]
    rows: Float[np.ndarray, "h w"]

    def __call__(self, plane: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Returns an image [h, w] or [h, w, c] of the photograph as the pinhole's."""
        return cv2.remap(
            plane,
            self.columns,
            self.rows,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


# Most objects have one lens; the maps of a large photograph take a hundred megabytes.
@functools.lru_cache(maxsize=2)
def undistortion(lens: Lens) -> Undistortion:
    """Returns how to undistort the photographs of a lens.

    Raises:
        DataError: the coefficients fold the image or tear it out of its frame, so that
            they cannot be those of a lens.
    """
    pinhole = _inner_pinhole(lens)
    # OpenCV has the centre of the first pixel at 0, here it is at 0.5.
    columns, rows = cv2.initUndistortRectifyMap(
        _matrix(lens, 0.5),
        np.array(lens.distortion),
        np.eye(3),
        _matrix(pinhole, 0.5),
        (lens.width, lens.height),
        cv2.CV_32FC1,
    )
    is_folded = (np.diff(columns, axis=1) <= 0).any() or (
        np.diff(rows, axis=0) <= 0
    ).any()
    if is_folded or _outside(columns, lens.width) or _outside(rows, lens.height):
        raise _impossible(lens)
    return Undistortion(pinhole, columns, rows)


def _outside(indices: Float[np.ndarray, "h w"], side: int) -> bool:
    """Returns whether pixels show what is beyond the outer edge of the photograph."""
    # The map is float32.
    slack = 1e-3 + 1e-6 * side
    return bool(indices.min() < -0.5 - slack or indices.max() > side - 0.5 + slack)


def _inner_pinhole(lens: Lens) -> Lens:
    """Returns the pinhole of the rectangle inside the undistorted frame."""
    along = np.linspace(0, 1, _ALONG)
    low, high = np.zeros(_ALONG), np.ones(_ALONG)
    frame = np.stack(
        [
            np.concatenate([low, high, along, along]) * lens.width - lens.cx,
            np.concatenate([along, along, low, high]) * lens.height - lens.cy,
        ],
        axis=1,
    )
    left, right, top, bottom = np.split(_straight(lens, frame / (lens.fx, lens.fy)), 4)
    x0, x1 = left[:, 0].max(), right[:, 0].min()
    y0, y1 = top[:, 1].max(), bottom[:, 1].min()
    sides = (x1 - x0) * lens.fx / lens.width, (y1 - y0) * lens.fy / lens.height
    if min(sides) < _SMALLEST or max(sides) > _LARGEST:
        raise _impossible(lens)
    fx, fy = lens.width / (x1 - x0), lens.height / (y1 - y0)
    return Lens(
        float(fx),
        float(fy),
        float(-x0 * fx),
        float(-y0 * fy),
        lens.width,
        lens.height,
    )


def _straight(lens: Lens, seen: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Returns directions (x, y, 1) whose distorted images are the given points."""
    points = seen.copy()
    for _ in range(_ITERATIONS):
        wrong = seen - _distorted(lens, points)
        if not np.isfinite(wrong).all():
            break
        if np.abs(wrong).max() < _CONVERGED:
            return points
        points += wrong
    raise _impossible(lens)


def _distorted(
    lens: Lens, points: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 2"]:
    directions = np.column_stack([points, np.ones(len(points))])
    none = np.zeros(3)
    images, _ = cv2.projectPoints(
        directions, none, none, np.eye(3), np.array(lens.distortion)
    )
    return images[:, 0]


def _matrix(lens: Lens, shift: float) -> Float[np.ndarray, "3 3"]:
    """Returns OpenCV's camera matrix, the principal point moved by `-shift`."""
    return np.array(
        [
            [lens.fx, 0, lens.cx - shift],
            [0, lens.fy, lens.cy - shift],
            [0, 0, 1],
        ]
    )


def _impossible(lens: Lens) -> DataError:
    values = ", ".join(f"{value:g}" for value in lens.distortion)
    return DataError(
        f"distortion: found k1 k2 p1 p2 k3 k4 k5 k6 = {values}, which no lens of "
        f"focal length {lens.fx:g} has over {lens.width}x{lens.height} pixels; "
        "expected OpenCV's coefficients, or images that are undistorted"
    )
