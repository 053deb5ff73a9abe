"""Which statement of the intrinsics counts."""

import dataclasses
import math
from typing import Any

import pytest

from jaxsplat.data import json_lens, lens
from jaxsplat.data.json_reading import Fields
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

WIDTH, HEIGHT = 40, 20


def _lens(
    size: tuple[int, int] = (WIDTH, HEIGHT),
    *,
    first: tuple[int, int] | None = None,
    frame: dict[str, Any] | None = None,
    **members: Any,
) -> tuple[lens.Lens, Notes]:
    notes = Notes()
    own = None if frame is None else Fields("a.json", "frames[3]", frame)
    stated = json_lens.read_lens(Fields("a.json", "", members), notes, own)
    return lens.lens_of_image(stated, size, notes, first=first), notes


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
        ({"fl_x": 33, "fl_y": 44, "cx": 18.5, "cy": 8}, 33, 44, 18.5, 8),
        ({"fl_y": 44}, 44, 44, 20, 10),
        ({"fl_x": 15, "camera_angle_y": math.pi / 2}, 15, 10, 20, 10),
        ({"camera_angle_x": math.pi / 2, "w": 40, "h": 20}, 20, 20, 20, 10),
    ],
)
def test_precedence(members: dict, fx: float, fy: float, cx: float, cy: float) -> None:
    found, notes = _lens(**members)
    expected = [fx, fy, cx, cy, WIDTH, HEIGHT]
    assert dataclasses.astuple(found)[:6] == pytest.approx(expected, rel=1e-6)
    assert notes.sentences() == ()


def test_pixels_come_before_the_angle() -> None:
    found, notes = _lens(fl_x=33, camera_angle_x=math.pi / 2)
    assert found.fx == 33
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
        {"fl_x": 10, "w": 20, "h": 40},
        {"fl_x": 10, "cx": 41},
        {"fl_x": 10, "cy": -3},
        {"fl_x": 10, "k1": "0.1"},
    ],
)
def test_refused(members: dict) -> None:
    with pytest.raises(DataError, match="a.json"):
        _lens(**members)


def test_a_focal_length_that_is_a_share_is_refused_with_what_to_write() -> None:
    with pytest.raises(DataError, match="fl_x: found 1.2, .* write 480"):
        _lens((400, 300), fl_x=1.2)
    # So short a lens is possible for so small an image.
    assert _lens((20, 20), fl_x=8)[0].fx == 8


def test_a_frame_states_what_differs_from_the_lens_of_all() -> None:
    found, notes = _lens(
        frame={"fl_x": 50, "k1": 0.1}, fl_x=33, fl_y=44, cx=18, cy=9, k2=0.3
    )
    assert (found.fx, found.fy, found.cx, found.cy) == (50, 50, 18, 9)
    assert found.distortion == (0.1, 0, 0, 0, 0, 0, 0, 0)
    assert notes.sentences() == ()
    with pytest.raises(DataError, match=r"a.json: frames\[3\].fl_x: found -1"):
        _lens(frame={"fl_x": -1}, fl_x=33)


def test_distortion_is_in_the_order_of_opencv() -> None:
    stated = dict(k1=1, k2=2, k3=5, k4=6, k5=7, k6=8, p1=3, p2=4)
    found, notes = _lens(fl_x=33, **stated)
    assert found.distortion == (1, 2, 3, 4, 5, 6, 7, 8)
    assert notes.sentences() == ()
    assert "k4 is taken in OpenCV's sense" in _lens(fl_x=33, k4=1)[1].sentences()[0]


def test_a_lens_is_scaled_to_the_size_of_the_image() -> None:
    whole = dict(fl_x=100, fl_y=90, cx=41, cy=19, k1=0.1)
    expected = (50, 45, 20.5, 9.5, 40, 20, (0.1, 0, 0, 0, 0, 0, 0, 0))
    stated, notes = _lens(w=80, h=40, **whole)
    assert dataclasses.astuple(stated) == expected
    assert "80x40 pixels and scaled to their 40x20" in notes.sentences()[0]
    # Without a size, the lens of all is that of the first image.
    assert dataclasses.astuple(_lens(first=(80, 40), **whole)[0]) == expected
    own = _lens(first=(80, 40), frame={"fl_x": 100})[0]
    assert (own.fx, own.width) == (100, 40)


@pytest.mark.parametrize(
    ("stated", "expected", "remark"),
    [
        ((0, 0), (20, 10), "taken as the middle"),
        ((0.5, 0.25), (20, 5), "taken as shares"),
        ((10, 20.5), (20.5, 10), "each other's place"),
        ((17, 11), (17, 11), None),
        ((11, 11), (11, 11), "is far from the middle"),
        ((30, 3), (30, 3), "is far from the middle"),
    ],
)
def test_principal_points(
    stated: tuple[float, float], expected: tuple[float, float], remark: str | None
) -> None:
    found, notes = _lens(fl_x=33, cx=stated[0], cy=stated[1])
    assert (found.cx, found.cy) == expected
    assert (remark or "") in "".join(notes.sentences())
    assert bool(notes.sentences()) == (remark is not None)


@pytest.mark.parametrize(
    ("cx", "cy"),
    [(0.02, 0.01), (1, 1), (0.5, 60), (199.5, 119.5), (200, 120), (-3, 60), (0.9, 0.5)],
)
def test_principal_points_on_an_edge_are_refused(cx: float, cy: float) -> None:
    with pytest.raises(DataError, match="expected a point inside .* state their w and"):
        _lens((200, 120), fl_x=280, cx=cx, cy=cy)


@pytest.mark.parametrize(
    "members",
    [
        {"fl_x": 24},
        {"fl_x": 50},
        {"fl_x": 50, "w": 200, "h": 120},
        {"camera_angle_x": 2.8},
        {"fl_x": 280, "fl_y": 28},
        {"fl_x": 1e5},
        {"camera_angle_x": 1e-3},
    ],
)
def test_what_no_lens_sees_is_refused(members: dict) -> None:
    with pytest.raises(DataError, match="field of view of .* not millimetres"):
        _lens((200, 120), **members)


def test_wide_and_long_lenses_are_read() -> None:
    for focal in (54, 280, 20_000):
        found, notes = _lens((200, 120), fl_x=focal)
        assert found.fx == focal
        assert notes.sentences() == ()


def test_pixels_far_from_square_are_remarked() -> None:
    found, notes = _lens((200, 120), fl_x=280, fl_y=120)
    assert (found.fx, found.fy) == (280, 120)
    assert notes.sentences() == (
        "fx (280 px) and fy (120 px) make pixels far from square",
    )


def test_a_principal_point_of_the_turned_image_is_refused() -> None:
    stated = json_lens.read_lens(
        Fields("a.json", "", {"fl_x": 280, "cx": 61, "cy": 99}), Notes()
    )
    assert lens.lens_of_image(stated, (200, 120), Notes()).cx == 99
    with pytest.raises(DataError, match="cx, cy: found 61, 99, .* EXIF orientation"):
        lens.lens_of_image(stated, (200, 120), Notes(), is_turned=True)


@pytest.mark.parametrize(("size", "is_one"), [((618, 411), True), ((1, 1), False)])
def test_one_shape_but_for_rounding(size: tuple[int, int], is_one: bool) -> None:
    assert lens.have_one_shape(size, (4946, 3286)) == is_one
    assert lens.have_one_shape((4946, 3286), size) == is_one


def test_sides_that_are_alike_are_not_exchanged() -> None:
    found, notes = _lens((200, 196), fl_x=300, cx=98, cy=100)
    assert (found.cx, found.cy) == (98, 100)
    assert notes.sentences() == ()
