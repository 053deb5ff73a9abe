"""Estimated poses in the layout of transforms.json, which other tools read."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from jaxsplat.core.cameras import Camera

# OpenGL's camera looks along -z with y up, OpenCV's along +z with y down.
_OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class PoseRow:
    """The pose that was found for one query.

    Attributes:
        name: the view's name, such as `test/Burrs/5.png`.
        camera_from_world: the rigid motion in OpenCV axes and the user's coordinates,
            [4, 4] float64.
        outcome: how the search ended, such as `converged`.
    """

    name: str
    camera_from_world: Float[np.ndarray, "4 4"]
    outcome: str


def transforms(intrinsics: Camera, rows: Iterable[PoseRow]) -> dict[str, object]:
    """Returns the content of poses.json.

    Args:
        intrinsics: the camera of the queries; its pose is not used.
        rows: one per query. Those without a finite pose are listed by name and outcome
            under `without_pose`, since readers expect a matrix in every frame.
    """
    frames, without_pose = [], []
    for row in rows:
        frame: dict[str, object] = {"file_path": row.name, "outcome": row.outcome}
        if np.isfinite(row.camera_from_world).all():
            frame["transform_matrix"] = _opengl_world_from_camera(row).tolist()
            frames.append(frame)
        else:
            without_pose.append(frame)
    width, height = intrinsics.width, intrinsics.height
    fx, fy = float(intrinsics.fx), float(intrinsics.fy)
    record: dict[str, object] = {
        "camera_angle_x": 2 * math.atan(0.5 * width / fx),
        "camera_angle_y": 2 * math.atan(0.5 * height / fy),
        "fl_x": fx,
        "fl_y": fy,
        "cx": float(intrinsics.cx),
        "cy": float(intrinsics.cy),
        "w": width,
        "h": height,
        "frames": frames,
    }
    if without_pose:
        record["without_pose"] = without_pose
    return record


def _opengl_world_from_camera(row: PoseRow) -> Float[np.ndarray, "4 4"]:
    world_from_opencv = np.linalg.inv(row.camera_from_world.astype(np.float64))
    return world_from_opencv @ _OPENCV_FROM_OPENGL
