"""The frames of a `transforms.json`."""

import dataclasses
import pathlib

import numpy as np
from jaxtyping import Float

from jaxsplat.data import json_reading, lens, paths, poses
from jaxsplat.data.json_reading import Fields
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

_MIN_VIEWS = 2


@dataclasses.dataclass(frozen=True)
class Frame:
    """One posed image.

    Attributes:
        path: the image file.
        name: its path relative to the object's folder.
        camera_from_world: rigid motion with OpenCV axes, [4, 4] float64.
    """

    path: pathlib.Path
    name: str
    camera_from_world: Float[np.ndarray, "4 4"]


def read_transforms(
    root: pathlib.Path, file_name: str, folders: tuple[str, ...], notes: Notes
) -> tuple[lens.Lens, tuple[Frame, ...]]:
    """Returns the intrinsics and the frames, in the file's order.

    Each image is found by its `file_path`, never by the order of the folder.

    Args:
        root: the object's folder.
        file_name: the JSON file in it.
        folders: folders below `root` that `file_path` may be relative to, beside `root`
            itself.
        notes: takes remarks: drift of rotations, frames twice.

    Raises:
        DataError: the file is not as it should be, lists fewer than two images, or an
            image that is not there.
    """
    fields = json_reading.read_json(root / file_name)
    optics = lens.read_lens(fields)
    frames: dict[str, Frame] = {}
    listed = fields.objects("frames")
    for entry in listed:
        frame = _read_frame(root, entry, folders, notes)
        if frame is None:
            raise DataError(
                f"{fields.file}: {entry.place}.file_path: found "
                f"{paths.shown(entry.text('file_path'))}, but there is no such file"
            )
        if frame.name.startswith("test/"):
            notes.add("a posed test image is left out of training", frame.name)
            continue
        if frame.name in frames:
            notes.add("listed twice; the first pose counts", frame.name)
        frames.setdefault(frame.name, frame)
    if len(frames) < _MIN_VIEWS:
        raise fields.error(
            "frames", f"{len(frames)} images", f"{_MIN_VIEWS} images or more"
        )
    return optics, tuple(frames.values())


def read_poses(
    root: pathlib.Path, file_name: str, folders: tuple[str, ...]
) -> dict[str, Float[np.ndarray, "4 4"]]:
    """Returns `camera_from_world` by image name; frames without image are left out.

    Raises:
        DataError: the file is not as it should be.
    """
    fields = json_reading.read_json(root / file_name)
    notes = Notes()
    frames = (
        _read_frame(root, entry, folders, notes) for entry in fields.objects("frames")
    )
    return {frame.name: frame.camera_from_world for frame in frames if frame}


def _read_frame(
    root: pathlib.Path, entry: Fields, folders: tuple[str, ...], notes: Notes
) -> Frame | None:
    """Returns a frame, None where its image does not exist."""
    lens.refuse_own_lens(entry)
    file_path = entry.text("file_path")
    motion = poses.rigid_motion(
        entry.matrix("transform_matrix"),
        f"{entry.file}: {entry.place}.transform_matrix",
        notes,
    )
    for folder in ("", *folders):
        path = paths.find_image(root, f"{folder}/{file_path}" if folder else file_path)
        if path is not None:
            name = paths.relative_name(root, path)
            return Frame(path, name, poses.opencv_from_blender(motion))
    return None
