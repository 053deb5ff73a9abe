"""poses.json reads back as the poses that were written."""

import json
import math
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core.cameras import Camera, look_at
from jaxsplat.data.poses import opencv_from_blender, orthonormal
from jaxsplat.report import PoseRow, RunFolder
from jaxsplat.report.poses import transforms

CAMERA = Camera(
    jnp.eye(4),
    *(jnp.asarray(value, jnp.float32) for value in (500.0, 510.0, 200.5, 149.5)),
    width=401,
    height=299,
)


def pose(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return look_at(rng.normal(size=3) * 4, np.zeros(3), np.array([0.0, 0.0, 1.0]))


def test_the_layout_is_that_of_transforms_json(tmp_path: pathlib.Path) -> None:
    rows = [PoseRow(f"test/x/{i}.png", pose(i), "converged") for i in range(3)]
    with RunFolder(tmp_path, {}, resume=True) as run:
        category = run.category("x")
        category.write_poses(CAMERA, iter(rows))
        record = json.loads((category.path / "poses.json").read_text())
    frames = record.pop("frames")
    assert record.pop("camera_angle_x") == pytest.approx(2 * math.atan(401 / 1000))
    assert record.pop("camera_angle_y") == pytest.approx(2 * math.atan(299 / 1020))
    assert record == {
        "fl_x": 500.0,
        "fl_y": 510.0,
        "cx": 200.5,
        "cy": 149.5,
        "w": 401,
        "h": 299,
    }
    for row, frame in zip(rows, frames, strict=True):
        assert frame["file_path"] == row.name
        assert frame["outcome"] == "converged"
        back = opencv_from_blender(np.array(frame["transform_matrix"]))
        np.testing.assert_allclose(back, row.camera_from_world, atol=1e-6)


def test_a_camera_at_the_origin_by_hand() -> None:
    record = transforms(CAMERA, [PoseRow("a", np.eye(4), "converged")])
    frames = record["frames"]
    assert isinstance(frames, list)
    assert frames[0]["transform_matrix"] == np.diag([1.0, -1.0, -1.0, 1.0]).tolist()


def test_coordinates_of_maps_come_out_exactly() -> None:
    place = np.array([4.5e5, 5.4e6, 120.0])
    rotation = orthonormal(pose(4))[:3, :3]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ place
    record = transforms(CAMERA, [PoseRow("a", matrix, "converged")])
    frames = record["frames"]
    assert isinstance(frames, list)
    found = np.array(frames[0]["transform_matrix"])
    np.testing.assert_allclose(found[:3, 3], place, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found[:3, :3], rotation.T * (1, -1, -1), atol=1e-14)


def test_a_query_without_pose_stands_apart() -> None:
    record = transforms(CAMERA, [PoseRow("a", np.full((4, 4), np.nan), "nonfinite")])
    assert record["frames"] == []
    assert record["without_pose"] == [{"file_path": "a", "outcome": "nonfinite"}]
