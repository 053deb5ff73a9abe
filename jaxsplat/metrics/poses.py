"""Errors of estimated camera poses, in float64."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from jaxsplat import errors

SUCCESS_ROTATION_DEG = 1.0
SUCCESS_TRANSLATION = 0.01  # as a share of the camera's distance from the object


def rotation_error(a: Float[np.ndarray, "4 4"], b: Float[np.ndarray, "4 4"]) -> float:
    """Returns the angle between the rotations of two poses in radians, 0 to pi.

    It is the full angle 2 arccos |<q1, q2>| of SplatPose's equation 8; the published
    code leaves out the factor 2. Taken from sine and cosine, it is accurate at both
    ends of the range.

    Args:
        a: a pose, camera_from_world, [4, 4].
        b: another one.
    """
    between = a[:3, :3].astype(np.float64) @ b[:3, :3].astype(np.float64).T
    twice_sine = math.hypot(
        between[2, 1] - between[1, 2],
        between[0, 2] - between[2, 0],
        between[1, 0] - between[0, 1],
    )
    return math.atan2(twice_sine, np.trace(between) - 1)


def translation_error(
    a: Float[np.ndarray, "4 4"], b: Float[np.ndarray, "4 4"]
) -> float:
    """Returns the distance between two cameras' centres in scene units.

    Args:
        a: a pose, camera_from_world, [4, 4].
        b: another one.
    """
    return float(np.linalg.norm(_center(a) - _center(b)))


def relative_translation_error(
    estimated: Float[np.ndarray, "4 4"],
    true: Float[np.ndarray, "4 4"],
    center: Float[np.ndarray, "3"],
) -> float:
    """Returns the translation error as a share of the camera's distance.

    Args:
        estimated: estimated camera_from_world, [4, 4].
        true: true camera_from_world, [4, 4].
        center: centre of the object in the world, [3].

    Raises:
        DataError: the true camera stands at the object's centre.
    """
    distance = float(np.linalg.norm(_center(true) - center))
    if distance == 0:
        raise errors.DataError(
            f"true camera at {_center(true)}: it stands at the object's centre, so the "
            "translation error has no scale"
        )
    return translation_error(estimated, true) / distance


def pose_summary(
    estimated: Mapping[str, Float[np.ndarray, "4 4"]],
    true: Mapping[str, Float[np.ndarray, "4 4"]],
    center: Float[np.ndarray, "3"],
) -> dict[str, float | None]:
    """Returns the errors of all queries in a few numbers.

    Every true pose counts. A query without an estimate, or with one that is not
    finite, has an infinite error; a quantile that falls on such a query is None.

    Args:
        estimated: camera_from_world per query name, [4, 4].
        true: the true ones; names that only `estimated` has are left out.
        center: centre of the object in the world, [3].

    Returns:
        `rotation_deg_median`, `rotation_deg_p95` (the smallest error that at least 95 %
        of queries do not exceed), `translation_rel_median` and `success_rate`: the
        share of queries below both `SUCCESS_ROTATION_DEG` and `SUCCESS_TRANSLATION`.
        All are None where there is no true pose.
    """
    if not true:
        return dict.fromkeys(
            [
                "rotation_deg_median",
                "rotation_deg_p95",
                "translation_rel_median",
                "success_rate",
            ]
        )
    rotations = np.full(len(true), np.inf)
    translations = np.full(len(true), np.inf)
    for index, (name, pose) in enumerate(true.items()):
        estimate = estimated.get(name)
        if estimate is not None and np.isfinite(estimate).all():
            rotations[index] = math.degrees(rotation_error(estimate, pose))
            translations[index] = relative_translation_error(estimate, pose, center)
    success = (rotations < SUCCESS_ROTATION_DEG) & (translations < SUCCESS_TRANSLATION)
    # Without interpolation, which next to an infinite error gives NaN.
    p95 = np.sort(rotations)[-(-95 * len(true) // 100) - 1]
    return {
        "rotation_deg_median": _finite(float(np.median(rotations))),
        "rotation_deg_p95": _finite(float(p95)),
        "translation_rel_median": _finite(float(np.median(translations))),
        "success_rate": float(np.mean(success)),
    }


def _center(camera_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "3"]:
    pose = camera_from_world.astype(np.float64)
    return -pose[:3, :3].T @ pose[:3, 3]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
