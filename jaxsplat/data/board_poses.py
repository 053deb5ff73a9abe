"""The lens and the poses of photographs in which a marker board is seen."""

import dataclasses
from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import Float

from jaxsplat.data.boards import Sighting
from jaxsplat.errors import DataError

# A detector needs many more; with fewer no lens can be told.
LEAST_PHOTOGRAPHS = 8
# With fewer photographs, distortion is taken as k1 alone.
_WHOLE_LENS = 12
# A photograph's error sticks out beyond this many medians, and beyond this share of the
# longer image side, which a sharp photograph keeps well below.
_OUTLYING, _USUAL_ERROR = 3.0, 1e-3
# Beyond this share the board is not flat, or another one.
_MOST_ERROR = 3e-3
# Corners that move less, as a share of the longer image side, stand still.
_STANDING = 0.01
# The least angle, seen from the board, between the two cameras farthest apart.
_LEAST_ANGLE_DEG = 15.0
# The most standard deviation of the focal length, as a share of it.
_MOST_DOUBT = 0.02


@dataclasses.dataclass(frozen=True)
class BoardPoses:
    """What photographs of a board tell.

    Attributes:
        focal: focal length in pixels, of square pixels.
        cx: principal point, pixel centres at +0.5; `cy` along y.
        cy: see `cx`.
        distortion: k1, k2, p1, p2 as OpenCV and COLMAP's OPENCV model have them.
        camera_from_world: by photograph, OpenCV axes, mm, [4, 4].
        error_px: by photograph, root mean square of its corners' reprojection errors.
        outlying: photographs whose error sticks out, by their error; they have no pose.
    """

    focal: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float]
    camera_from_world: Mapping[str, Float[np.ndarray, "4 4"]]
    error_px: Mapping[str, float]
    outlying: Mapping[str, float]


def solve(sightings: Mapping[str, Sighting], width: int, height: int) -> BoardPoses:
    """Returns the lens and the poses with the least reprojection error together.

    Photographs whose error sticks out are left out one after another.

    Args:
        sightings: the board in each photograph, by name.
        width: of all photographs, in pixels; taken with one lens and focus.
        height: see `width`.

    Raises:
        DataError: fewer than `LEAST_PHOTOGRAPHS` are left, the camera does not move
            enough to tell lens and poses, or no lens explains what is seen.
    """
    longer = max(width, height)
    left = dict(sightings)
    outlying: dict[str, float] = {}
    while True:
        if len(left) < LEAST_PHOTOGRAPHS:
            reason = f", {len(outlying)} others do not agree with them" * bool(outlying)
            raise DataError(
                f"the board gives the poses of {len(left)} photographs{reason}; "
                f"expected {LEAST_PHOTOGRAPHS} or more, 30 to 100 for a detector"
            )
        _check_motion(left, longer)
        found, doubt = _calibrate(left, width, height)
        usual = float(np.median(list(found.error_px.values())))
        worst = max(found.error_px, key=found.error_px.__getitem__)
        if found.error_px[worst] <= max(_OUTLYING * usual, _USUAL_ERROR * longer):
            break
        outlying[worst] = found.error_px[worst]
        del left[worst]
    if usual > _MOST_ERROR * longer:
        raise DataError(
            f"the board's corners are {usual:.1f} px from where they should be; it is "
            "not flat, or has other columns and rows than were given"
        )
    if _widest_angle_deg(found) < _LEAST_ANGLE_DEG or doubt > _MOST_DOUBT:
        raise DataError(
            "the photographs look at the board from nearly one side, which tells no "
            "lens; take them from all around, slanted, and from two heights"
        )
    return dataclasses.replace(found, outlying=outlying)


def _check_motion(sightings: Mapping[str, Sighting], longer: int) -> None:
    first, *others = sightings.values()
    for other in others:
        _, mine, theirs = np.intersect1d(first.ids, other.ids, return_indices=True)
        moved = np.abs(first.pixels[mine] - other.pixels[theirs])
        if not len(mine) or np.median(moved.max(axis=1)) > _STANDING * longer:
            return
    raise DataError(
        "the board stands in the same place in all photographs; take them from all "
        "around the object, or turn board and object together"
    )


def _calibrate(
    sightings: Mapping[str, Sighting], width: int, height: int
) -> tuple[BoardPoses, float]:
    """Returns lens and poses, and the focal length's relative standard deviation."""
    # Pixels are square: one focal length. Two of their own trade against the principal
    # point and the cameras' pitch when all photographs are held upright.
    flags = cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_FIX_K3
    if len(sightings) < _WHOLE_LENS:
        flags |= cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K2
    # OpenCV's first guess needs the plane at z = 0.
    shift = next(iter(sightings.values())).points[0, 2]
    points = [s.points - (0.0, 0.0, shift) for s in sightings.values()]
    try:
        _, matrix, bent, turns, moves, deviations, _, errors = (
            cv2.calibrateCameraExtended(
                [p.astype(np.float32) for p in points],
                [(s.pixels - 0.5).astype(np.float32) for s in sightings.values()],
                (width, height),
                np.eye(3),
                np.zeros(5),
                flags=flags,
            )
        )
    except cv2.error as error:
        raise DataError(f"no lens explains the board's corners ({error.err})") from None
    matrix, bent = np.asarray(matrix), np.asarray(bent).reshape(-1)
    poses = {}
    for name, turn, move in zip(sightings, turns, moves, strict=True):
        pose = np.eye(4)
        pose[:3, :3] = cv2.Rodrigues(np.asarray(turn))[0]
        pose[:3, 3] = np.reshape(move, 3) - shift * pose[:3, 2]
        poses[name] = pose
    found = BoardPoses(
        focal=float(matrix[0, 0]),
        cx=float(matrix[0, 2]) + 0.5,
        cy=float(matrix[1, 2]) + 0.5,
        distortion=(float(bent[0]), float(bent[1]), float(bent[2]), float(bent[3])),
        camera_from_world=poses,
        error_px=dict(zip(sightings, np.reshape(errors, -1).tolist(), strict=True)),
        outlying={},
    )
    doubt = np.reshape(deviations, -1)[:2].max() / found.focal
    return found, float(doubt)


def _widest_angle_deg(found: BoardPoses) -> float:
    """Returns the largest angle between two cameras, seen from the world's origin."""
    poses = np.stack(list(found.camera_from_world.values()))
    eyes = -np.einsum("vji,vj->vi", poses[:, :3, :3], poses[:, :3, 3])
    ways = eyes / np.linalg.norm(eyes, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip(ways @ ways.T, -1, 1).min())))
