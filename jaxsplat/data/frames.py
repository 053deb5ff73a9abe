"""The posed images of an object, as every layout lists them."""

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from jaxsplat.data import poses
from jaxsplat.data.lens import StatedLens
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
        lens: the intrinsics that the file states for it.
        mask: file that says where the image shows the object, where one is named.
    """

    path: pathlib.Path
    name: str
    camera_from_world: Float[np.ndarray, "4 4"]
    lens: StatedLens
    mask: pathlib.Path | None = None


def training_frames(
    listed: Iterable[Frame], place: str, notes: Notes
) -> tuple[Frame, ...]:
    """Returns the frames to train from, in the order listed.

    Args:
        listed: what a file lists.
        place: the file and where in it they stand, for messages.
        notes: takes remarks: posed test images, frames and poses twice, cameras that
            look away.

    Raises:
        DataError: fewer than two images are left.
    """
    frames: dict[str, Frame] = {}
    for frame in listed:
        if frame.name.startswith("test/"):
            notes.add("a posed test image is left out of training", frame.name)
            continue
        if frame.name in frames:
            notes.add("listed twice; the first pose counts", frame.name)
        frames.setdefault(frame.name, frame)
    if len(frames) < _MIN_VIEWS:
        raise DataError(
            f"{place}: found {len(frames)} images, expected {_MIN_VIEWS} images or more"
        )
    _check_poses(tuple(frames.values()), notes)
    return tuple(frames.values())


def _check_poses(frames: tuple[Frame, ...], notes: Notes) -> None:
    """Notes poses that stand twice, and cameras that look away from the object."""
    first: dict[bytes, str] = {}
    for frame in frames:
        # Adding zero makes -0.0 and 0.0 the same bytes.
        key = (np.round(frame.camera_from_world, 6) + 0.0).tobytes()
        if first.setdefault(key, frame.name) != frame.name:
            notes.add(f"has the same pose as {first[key]}", frame.name)
    away = poses.share_looking_away(np.stack([f.camera_from_world for f in frames]))
    if away > 0.5:
        notes.add(
            f"{away:.0%} of the cameras look away from their common centre; the file "
            "may use OpenCV instead of Blender camera axes"
        )
