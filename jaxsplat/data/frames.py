"""The posed images of an object, as every layout lists them."""

import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

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
        notes: takes remarks: posed test images, frames twice.

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
    return tuple(frames.values())
