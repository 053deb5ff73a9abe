"""Intrinsics as `transforms.json` states them."""

import dataclasses
import math

import jax.numpy as jnp

from jaxsplat.core import cameras
from jaxsplat.data.json_reading import Fields
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

_DISTORTION_KEYS = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_LENS_KEYS = ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x", "camera_angle_y")
_PINHOLE_MODELS = frozenset(
    {"PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV"}
)
# Two statements of one focal length that differ more contradict each other.
_AGREEMENT = 1e-3
_MAX_PIXELS = 1e6


@dataclasses.dataclass(frozen=True)
class Lens:
    """The intrinsics that a file states, those left out as None.

    Attributes:
        fields: the object they came from, for messages.
        angle_x: field of view over the width in radians; `angle_y` over the height.
        angle_y: see `angle_x`.
        fl_x: focal length along x in pixels; `fl_y` along y.
        fl_y: see `fl_x`.
        cx: principal point in pixels from the left edge; `cy` from the top.
        cy: see `cx`.
    """

    fields: Fields
    angle_x: float | None
    angle_y: float | None
    fl_x: float | None
    fl_y: float | None
    cx: float | None
    cy: float | None


def read_lens(fields: Fields) -> Lens:
    """Returns the intrinsics of a `transforms.json`.

    Raises:
        DataError: an angle is not between 0 and pi, a length not positive, a
            distortion coefficient not zero, the model not a pinhole, or nothing states
            a focal length.
    """
    for key in _DISTORTION_KEYS:
        if fields.optional_number(key):
            raise fields.error(
                key, f"{fields.number(key):g}", "0; undistort the images first"
            )
    if fields.members.get("is_fisheye"):
        raise fields.error("is_fisheye", "true", "a pinhole camera")
    if "camera_model" in fields and fields.text("camera_model") not in _PINHOLE_MODELS:
        raise fields.error("camera_model", fields.text("camera_model"), "PINHOLE")
    lens = Lens(
        fields,
        _within(fields, "camera_angle_x", math.pi),
        _within(fields, "camera_angle_y", math.pi),
        _within(fields, "fl_x", _MAX_PIXELS),
        _within(fields, "fl_y", _MAX_PIXELS),
        fields.optional_number("cx"),
        fields.optional_number("cy"),
    )
    if {lens.angle_x, lens.angle_y, lens.fl_x, lens.fl_y} == {None}:
        raise fields.error(
            "camera_angle_x", "nothing", "a field of view in radians, or fl_x in pixels"
        )
    return lens


def refuse_own_lens(frame: Fields) -> None:
    """Checks that a frame has no intrinsics of its own.

    Raises:
        DataError: it has; one object has one lens, also for the queries.
    """
    for key in _LENS_KEYS + _DISTORTION_KEYS:
        if key in frame:
            raise frame.error(key, "a value", "one lens for all frames, stated above")


def _within(fields: Fields, key: str, limit: float) -> float | None:
    value = fields.optional_number(key)
    if value is not None and not 0 < value < limit:
        raise fields.error(key, f"{value:g}", f"a value between 0 and {limit:g}")
    return value


def camera_of_image(
    lens: Lens, width: int, height: int, notes: Notes
) -> cameras.Camera:
    """Returns the camera, at the identity pose, of an image of the given pixel size.

    A focal length in pixels comes before a field of view; where one direction states
    neither, pixels are square. The principal point is the middle where none is stated.

    Raises:
        DataError: the file states another image size.
    """
    _check_size(lens.fields, width, height)
    fx = _focal_length(lens.fl_x, lens.angle_x, width, "x", notes)
    fy = _focal_length(lens.fl_y, lens.angle_y, height, "y", notes)
    fx, fy = fx or fy, fy or fx
    cx = width / 2 if lens.cx is None else lens.cx
    cy = height / 2 if lens.cy is None else lens.cy
    if not fx or not fy or max(fx, fy, abs(cx), abs(cy)) > _MAX_PIXELS:
        raise DataError(
            f"{lens.fields.file}: focal length {fx}, {fy} or principal point {cx}, "
            f"{cy}: expected values up to {_MAX_PIXELS:g} pixels"
        )
    return cameras.Camera(
        jnp.eye(4, dtype=jnp.float32),
        jnp.float32(fx),
        jnp.float32(fy),
        jnp.float32(cx),
        jnp.float32(cy),
        width,
        height,
    )


def _check_size(fields: Fields, width: int, height: int) -> None:
    """Refuses another size than that of the images, where one is stated."""
    stated = fields.optional_number("w"), fields.optional_number("h")
    hint = ""
    if stated == (height, width):
        # The sides are exchanged where the file was made from the turned images.
        hint = (
            "; an EXIF orientation is not applied: save the images upright, or state "
            "the lens and the poses for the pixels as they are stored"
        )
    for key, value, found in zip("wh", stated, (width, height), strict=True):
        if value is not None and value != found:
            expected = f"{found}, the size of the images{hint}"
            raise fields.error(key, f"{value:g}", expected)


def _focal_length(
    stated: float | None, angle: float | None, pixels: int, axis: str, notes: Notes
) -> float | None:
    """Returns the focal length in pixels along one axis, or None."""
    from_angle = None if angle is None else pixels / 2 / math.tan(angle / 2)
    if stated is None:
        return from_angle
    if from_angle is not None and abs(from_angle / stated - 1) > _AGREEMENT:
        notes.add(
            f"fl_{axis} ({stated:g} px) is used; camera_angle_{axis} disagrees "
            f"({from_angle:g} px)"
        )
    return stated
