"""Which statement of the intrinsics counts."""

import math
from typing import Any

import pytest

from jaxsplat.core.cameras import Camera
from jaxsplat.data import lens
from jaxsplat.data.json_reading import Fields
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

WIDTH, HEIGHT = 40, 20


def _camera(**members: Any) -> tuple[Camera, Notes]:
    notes = Notes()
    stated = lens.read_lens(Fields("a.json", "", members))
    return lens.camera_of_image(stated, WIDTH, HEIGHT, notes), notes


@pytest.mark.parametrize(
    ("members", "fx", "fy", "cx", "cy"),
    [
        ({"camera_angle_x": math.pi / 2}, 20, 20, 20, 10),
        ({"camera_angle_y": math.pi / 2}, 10, 10, 20, 10),
        (
            {"camera_angle_x": math.pi / 2, "camera_angle_y": math.pi / 2},
            20,
            10,
            20,
            10,
        ),
        ({"fl_x": 33}, 33, 33, 20, 10),
        ({"fl_x": 33, "fl_y": 44, "cx": 18.5, "cy": -3}, 33, 44, 18.5, -3),
        ({"fl_y": 44}, 44, 44, 20, 10),
        ({"fl_x": 33, "camera_angle_y": math.pi / 2}, 33, 10, 20, 10),
        ({"camera_angle_x": math.pi / 2, "w": 40, "h": 20}, 20, 20, 20, 10),
    ],
)
def test_precedence(members: dict, fx: float, fy: float, cx: float, cy: float) -> None:
    camera, notes = _camera(**members)
    found = [float(v) for v in (camera.fx, camera.fy, camera.cx, camera.cy)]
    assert found == pytest.approx([fx, fy, cx, cy], rel=1e-6)
    assert (camera.width, camera.height) == (WIDTH, HEIGHT)
    assert notes.sentences() == ()


def test_pixels_come_before_the_angle() -> None:
    camera, notes = _camera(fl_x=33, camera_angle_x=math.pi / 2)
    assert float(camera.fx) == 33
    assert notes.sentences() == (
        "fl_x (33 px) is used; camera_angle_x disagrees (20 px)",
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"cx": 3},
        {"camera_angle_x": -0.1},
        {"camera_angle_x": math.pi},
        {"camera_angle_y": 0},
        {"fl_y": 0},
        {"fl_x": 1e30},
        {"fl_x": 10, "cx": 1e30},
        {"fl_x": 10, "w": 41},
        *({"fl_x": 10, key: 1e-3} for key in ("k1", "k2", "k3", "k4", "p1", "p2")),
    ],
)
def test_refused(members: dict) -> None:
    with pytest.raises(DataError, match="a.json"):
        _camera(**members)
