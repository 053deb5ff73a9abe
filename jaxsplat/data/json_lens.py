"""Lenses as `transforms.json` states them: for all frames, or in each."""

import math

from jaxsplat.data.json_reading import Fields
from jaxsplat.data.lens import MAX_PIXELS, StatedLens
from jaxsplat.data.notes import Notes

_FOCAL = ("fl_x", "fl_y", "camera_angle_x", "camera_angle_y")
_CENTER = ("cx", "cy")
_SIZE = ("w", "h")
# OpenCV's order.
_DISTORTION = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_MODEL = ("camera_model", "is_fisheye")
_MODELS = frozenset(
    {
        "PERSPECTIVE",
        "PINHOLE",
        "SIMPLE_PINHOLE",
        "SIMPLE_RADIAL",
        "RADIAL",
        "OPENCV",
        "FULL_OPENCV",
    }
)
_FISHEYE_REMEDY = (
    "undistort the images to a pinhole camera first (`colmap image_undistorter`)"
)


def has_lens(frame: Fields) -> bool:
    """Returns whether a frame states anything of a lens."""
    keys = (*_FOCAL, *_CENTER, *_SIZE, *_DISTORTION, *_MODEL)
    return any(key in frame for key in keys)


def has_focal_length(frame: Fields) -> bool:
    """Returns whether a frame states a focal length of its own."""
    return any(key in frame for key in _FOCAL)


def read_lens(top: Fields, notes: Notes, frame: Fields | None = None) -> StatedLens:
    """Returns the lens of a `transforms.json`, or of one of its frames.

    What a frame states of the focal length, the principal point, the size or the
    distortion takes the place of what is stated above for all.

    Args:
        top: the file's top members.
        notes: takes a remark on coefficients that tools write in different senses.
        frame: the members of one frame; None for the lens of all.

    Raises:
        DataError: an angle is not between 0 and pi, a length not positive, the model
            neither a pinhole nor one with OpenCV's distortion, or nothing states a
            focal length.
    """
    focal, center, size, distortion, model = (
        _stating(keys, top, frame)
        for keys in (_FOCAL, _CENTER, _SIZE, _DISTORTION, _MODEL)
    )
    _check_model(model)
    lens = StatedLens(
        f"{top.file}: {frame.place}." if frame else f"{top.file}: ",
        _within(focal, "camera_angle_x", math.pi),
        _within(focal, "camera_angle_y", math.pi),
        _within(focal, "fl_x", MAX_PIXELS),
        _within(focal, "fl_y", MAX_PIXELS),
        center.optional_number("cx"),
        center.optional_number("cy"),
        size.optional_number("w"),
        size.optional_number("h"),
        _read_distortion(distortion, notes),
        is_shared=focal is top,
    )
    if {lens.angle_x, lens.angle_y, lens.fl_x, lens.fl_y} == {None}:
        raise top.error(
            "camera_angle_x", "nothing", "a field of view in radians, or fl_x in pixels"
        )
    return lens


def _stating(keys: tuple[str, ...], top: Fields, frame: Fields | None) -> Fields:
    """Returns the members that count for some keys: the frame's where it has any."""
    if frame is not None and any(key in frame for key in keys):
        return frame
    return top


def _check_model(fields: Fields) -> None:
    if fields.members.get("is_fisheye"):
        raise fields.error("is_fisheye", "true", f"a pinhole camera; {_FISHEYE_REMEDY}")
    if "camera_model" in fields:
        model = fields.text("camera_model")
        if model.upper() not in _MODELS:
            raise fields.error(
                "camera_model", model, f"PINHOLE or OPENCV; {_FISHEYE_REMEDY}"
            )


def _read_distortion(fields: Fields, notes: Notes) -> tuple[float, ...]:
    """Returns OpenCV's coefficients, none where all are zero."""
    values = tuple(fields.optional_number(key) or 0.0 for key in _DISTORTION)
    if not any(values):
        return ()
    if values[5] and "k5" not in fields and "k6" not in fields:
        notes.add("k4 is taken in OpenCV's sense, as the first of the denominator")
    return values


def _within(fields: Fields, key: str, limit: float) -> float | None:
    value = fields.optional_number(key)
    if value is not None and not 0 < value < limit:
        unit = "radians" if limit == math.pi else "pixels"
        raise fields.error(key, f"{value:g}", f"{unit} between 0 and {limit:g}")
    return value
