"""The frames of a `transforms.json`, as NeRF tools write it.

nerfstudio's `applied_transform` and `applied_scale` say what was already done to the
poses of the file, so they are not applied. Its lists of file names for training and
testing, point clouds and bounds of the scene are not looked at.
"""

import pathlib

import numpy as np
from jaxtyping import Float

from jaxsplat.data import json_lens, json_reading, listed_files, masks, paths, poses
from jaxsplat.data.frames import Frame, training_frames
from jaxsplat.data.json_reading import Fields
from jaxsplat.data.lens import StatedLens
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError


def read_transforms(
    root: pathlib.Path, file_name: str, folders: tuple[str, ...], notes: Notes
) -> tuple[tuple[Frame, ...], str]:
    """Returns the frames, in the file's order, and the digest of the file.

    Each image is found by its `file_path`, never by the order of the folder.

    Args:
        root: the object's folder.
        file_name: the JSON file in it.
        folders: folders below `root` that `file_path` may be relative to, beside `root`
            itself.
        notes: takes remarks: drift of rotations, frames twice.

    Raises:
        DataError: the file is not as it should be, lists fewer than two images, or an
            image or mask that is not there.
    """
    fields = json_reading.read_json(root / file_name)
    entries = fields.objects("frames")
    shared = _shared_lens(fields, entries, notes)
    frames = []
    for entry in entries:
        found = _image(root, entry, folders, notes)
        if found is None:
            raise _missing(entry, "file_path")
        frames.append(
            Frame(
                found,
                paths.relative_name(root, found),
                _pose(entry, notes),
                json_lens.read_lens(fields, notes, entry)
                if shared is None or json_lens.has_lens(entry)
                else shared,
                _mask(root, entry, notes),
            )
        )
    return training_frames(frames, f"{fields.file}: frames", notes), fields.digest


def read_poses(
    root: pathlib.Path, file_name: str, folders: tuple[str, ...]
) -> dict[str, Float[np.ndarray, "4 4"]]:
    """Returns `camera_from_world` by image name; frames without image are left out.

    Raises:
        DataError: the file is not as it should be.
    """
    fields = json_reading.read_json(root / file_name)
    notes = Notes()
    found = {}
    for entry in fields.objects("frames"):
        pose = _pose(entry, notes)
        image = _image(root, entry, folders, notes)
        if image is not None:
            found[paths.relative_name(root, image)] = pose
    return found


def _shared_lens(
    fields: Fields, entries: tuple[Fields, ...], notes: Notes
) -> StatedLens | None:
    """Returns the lens stated for all frames, None where each has its own."""
    if entries and all(json_lens.has_focal_length(entry) for entry in entries):
        return None
    return json_lens.read_lens(fields, notes)


def _pose(entry: Fields, notes: Notes) -> Float[np.ndarray, "4 4"]:
    motion = poses.rigid_motion(
        entry.matrix("transform_matrix"),
        f"{entry.file}: {entry.place}.transform_matrix",
        notes,
    )
    return poses.opencv_from_blender(motion)


def _image(
    root: pathlib.Path, entry: Fields, folders: tuple[str, ...], notes: Notes
) -> pathlib.Path | None:
    place = f"{entry.file}: {entry.place}.file_path"
    return listed_files.find_listed(
        root, entry.text("file_path"), folders, place, notes
    )


def _mask(root: pathlib.Path, entry: Fields, notes: Notes) -> pathlib.Path | None:
    """Returns the mask that a frame names, None where it names none."""
    if entry.members.get("mask_path") is None:
        return None
    place = f"{entry.file}: {entry.place}.mask_path"
    found = listed_files.find_listed(
        root, entry.text("mask_path"), (masks.FOLDER,), place, notes
    )
    if found is None:
        raise _missing(entry, "mask_path")
    return found


def _missing(entry: Fields, key: str) -> DataError:
    return DataError(
        f"{entry.file}: {entry.place}.{key}: found {paths.shown(entry.text(key))}, but "
        "there is no such file"
    )
