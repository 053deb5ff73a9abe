"""Camera poses as data sets write them, checked and brought to our convention.

Data sets give `world_from_camera` with Blender (OpenGL) camera axes: x right, y up, z
backward. Inside the package it is `camera_from_world` with OpenCV axes.
"""

import numpy as np
from jaxtyping import Float

from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# Rounding to float32 in a file leaves less; this much is made good without a remark.
_ROUNDING = 1e-5
# A rotation further than this from orthonormal is a mistake, not drift.
_MAX_DRIFT = 1e-2
# Coordinates of maps have eight digits; beyond this, few of float64's are left.
_MAX_DISTANCE = 1e9
# Scales of a rotation within this factor of one are drift, beyond the other a mistake.
_PLAIN_SCALE, _MAX_SCALE = 1 + _MAX_DRIFT, 1e6


def _problem(matrix: Float[np.ndarray, "rows columns"]) -> str | None:
    """Returns what keeps a matrix from being a rigid motion, or None."""
    if matrix.shape not in ((3, 4), (4, 4)):
        return f"a {matrix.shape[0]}x{matrix.shape[1]} matrix"
    if len(matrix) == 4 and np.abs(matrix[3] - (0, 0, 0, 1)).max() > _ROUNDING:
        is_other = np.abs(matrix[:, 3] - (0, 0, 0, 1)).max() <= _ROUNDING
        hint = " (transpose the matrix)" if is_other else ""
        return f"the last row {matrix[3].tolist()}{hint}"
    if np.abs(matrix[:3]).max() > _MAX_DISTANCE:
        return f"a value beyond {_MAX_DISTANCE:g}"
    if _drift(matrix) > _MAX_DRIFT:
        return f"axes that are {_drift(matrix):.2g} away from orthonormal"
    if np.linalg.det(matrix[:3, :3]) < 0:
        return "a mirrored rotation (of left-handed axes: negate one of the three)"
    return None


def _drift(matrix: Float[np.ndarray, "rows 4"]) -> float:
    rotation = matrix[:3, :3]
    return float(np.abs(rotation.T @ rotation - np.eye(3)).max())


def _scale(matrix: Float[np.ndarray, "rows columns"]) -> float:
    """Returns the factor that the axes of a rotation have in common, 1 for drift."""
    if matrix.shape not in ((3, 4), (4, 4)) or np.abs(matrix).max() > _MAX_DISTANCE:
        return 1.0
    scale = float(np.mean(np.linalg.norm(matrix[:3, :3], axis=0)))
    if not 1 / _MAX_SCALE < scale < _MAX_SCALE:
        return 1.0
    return 1.0 if 1 / _PLAIN_SCALE < scale < _PLAIN_SCALE else scale


def rigid_motion(
    matrix: Float[np.ndarray, "rows columns"], place: str, notes: Notes
) -> Float[np.ndarray, "4 4"]:
    """Returns a rigid motion from a 3x4 or 4x4 matrix of a file.

    A scale of the rotation is divided out of it; the translation stays, since it is in
    the units of the file. The rotation becomes the orthonormal one nearest to the given
    (its polar factor). Both are noted, drift when it is beyond rounding.

    Args:
        matrix: as read, float64.
        place: where it stands, for messages.
        notes: takes the remarks.

    Raises:
        DataError: the matrix has another shape, another last row, or its rotation is
            sheared, mirrored or zero.
    """
    scale = _scale(matrix)
    matrix = matrix.copy()
    matrix[:3, :3] /= scale
    problem = _problem(matrix)
    if scale != 1 and not problem:
        notes.add(
            f"the rotation was scaled by {scale:.3g}, which is divided out of it", place
        )
    if problem:
        raise DataError(
            f"{place}: found {problem}, expected a rotation and a translation as a "
            "4x4 or 3x4 matrix"
        )
    if _drift(matrix) > _ROUNDING:
        notes.add("the rotation had drifted and was made orthonormal", place)
    motion = np.eye(4)
    motion[:3] = matrix[:3]
    return orthonormal(motion)


def orthonormal(motions: Float[np.ndarray, "*b 4 4"]) -> Float[np.ndarray, "*b 4 4"]:
    """Returns motions whose rotations are the nearest orthonormal ones, float64.

    Those that hold NaN or infinity stay as they are.
    """
    exact = np.array(motions, np.float64)
    finite = np.isfinite(exact).all(axis=(-2, -1))
    left, _, right = np.linalg.svd(exact[finite][:, :3, :3])
    exact[finite, :3, :3] = left @ right
    return exact


def opencv_from_blender(
    world_from_camera: Float[np.ndarray, "4 4"],
) -> Float[np.ndarray, "4 4"]:
    """Returns `camera_from_world` with OpenCV axes, float64.

    Args:
        world_from_camera: rigid motion with Blender camera axes.
    """
    rotation = world_from_camera[:3, :3] * (1.0, -1.0, -1.0)
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = rotation.T
    camera_from_world[:3, 3] = -rotation.T @ world_from_camera[:3, 3]
    return camera_from_world
