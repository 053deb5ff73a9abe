"""Files that list photographs with poses, after the photographs have changed."""

import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxsplat.data import atomic, json_reading, paths
from jaxsplat.errors import DataError

# Where the names in such files may start, beside the object's folder.
_FOLDERS = ("", "train/good", "train", "test")
# From the camera axes of these files (Blender) to those inside (OpenCV), and back.
_AXES = np.diag([1.0, -1.0, -1.0, 1.0])
_WIDTHS, _HEIGHTS = ("w", "fl_x", "cx"), ("h", "fl_y", "cy")
_SIZES = ("w", "h")


class Moved(NamedTuple):
    """What became of a photograph.

    Attributes:
        name: its new path, relative to the object's folder.
        turn: rotation from its camera's axes to those after (OpenCV), [3, 3].
        ratio: of width and height, after to before.
    """

    name: str
    turn: Float[np.ndarray, "3 3"]
    ratio: tuple[float, float]


def write_moved(
    source: pathlib.Path, out: pathlib.Path, moved: Mapping[str, Moved]
) -> None:
    """Writes the files of `source` that list photographs, as they are now, to `out`.

    Files that list none whose name, camera or size changed keep their bytes.

    Args:
        source: the object's folder.
        out: its copy.
        moved: photographs by their names in `source`.

    Raises:
        DataError: a training photograph changed, but no file lists it.
    """
    changed = {name: one for name, one in moved.items() if _is_changed(name, one)}
    told: set[str] = set()
    for path in sorted(source.glob("*.json")):
        members = json_reading.read_json(path).members
        if not isinstance(members.get("frames"), list):
            continue
        found = [_update(source, frame, changed) for frame in members["frames"]]
        listed = {name for name in found if name is not None}
        told |= listed
        ratios = {changed[name].ratio for name in listed}
        if listed:
            _scale(members, ratios, path)
            text = json.dumps(members, indent=1) + "\n"
            atomic.write_bytes(out / path.name, text.encode())
    silent = [name for name in changed if name not in told and name.startswith("train")]
    if silent:
        raise DataError(
            f"{source}: {silent[0]} gets another name, camera or size, but no file "
            "with frames lists it; only such poses can be changed along"
        )


def _is_changed(name: str, one: Moved) -> bool:
    turned = not np.array_equal(one.turn, np.eye(3))
    return one.name != name or turned or one.ratio != (1, 1)


def _update(
    source: pathlib.Path, frame: dict[str, Any], changed: Mapping[str, Moved]
) -> str | None:
    """Changes a frame in its place; returns the photograph's old name if it is new."""
    stated = frame.get("file_path")
    if not isinstance(stated, str):
        return None
    for folder in _FOLDERS:
        path = paths.find_image(source, f"{folder}/{stated}" if folder else stated)
        if path is not None:
            break
    else:
        return None
    name = paths.relative_name(source, path)
    if name not in changed:
        return None
    one = changed[name]
    if one.name != name:
        frame["file_path"] = one.name
    if not np.array_equal(one.turn, np.eye(3)):
        turn = np.eye(4)
        turn[:3, :3] = one.turn
        matrix = np.array(frame["transform_matrix"], float)
        after = matrix @ _AXES @ turn.T @ _AXES
        frame["transform_matrix"] = after.tolist()
    _scale_lens(frame, one.ratio)
    return name


def _scale(
    members: dict[str, Any], ratios: set[tuple[float, float]], path: pathlib.Path
) -> None:
    """Changes the lens that all frames share, in pixels, with the pictures' size."""
    if len(ratios) > 1:
        raise DataError(f"{path}: its photographs have several sizes, expected one")
    _scale_lens(members, ratios.pop())


def _scale_lens(members: dict[str, Any], ratio: tuple[float, float]) -> None:
    for keys, factor in zip((_WIDTHS, _HEIGHTS), ratio, strict=True):
        for key in keys:
            value = members.get(key)
            if isinstance(value, int | float) and not math.isclose(factor, 1):
                scaled = value * factor
                members[key] = round(scaled) if key in _SIZES else scaled
