"""COLMAP's `cameras.bin` and `images.bin`.

Nothing that a file says about lengths is believed before the bytes are there.
"""

import math
import struct
from typing import Any

from jaxsplat.data.colmap_cameras import MODELS
from jaxsplat.data.colmap_records import ModelCamera, ModelImage, rigid_motion
from jaxsplat.errors import DataError

# Bytes of an image point: x, y and the number of a point.
_POINT = 24


class _Reader:
    """Reads little-endian values from the start of some bytes."""

    def __init__(self, content: bytes, file: str) -> None:
        self._content = content
        self._file = file
        self._at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Returns the values of a `struct` format without byte order."""
        start = self._skip(struct.calcsize(f"<{form}"))
        return struct.unpack_from(f"<{form}", self._content, start)

    def name(self) -> str:
        """Returns a text that a zero byte ends."""
        end = self._content.find(b"\0", self._at)
        if end < 0:
            raise self._cut_off()
        start = self._skip(end + 1 - self._at)
        try:
            return self._content[start:end].decode()
        except UnicodeDecodeError:
            raise DataError(
                f"{self._file}: byte {start}: a name is not UTF-8"
            ) from None

    def skip(self, count: int) -> None:
        """Passes over bytes."""
        self._skip(count)

    def end(self) -> None:
        """Checks that nothing is left."""
        left = len(self._content) - self._at
        if left:
            raise DataError(
                f"{self._file}: found {left} bytes after the last entry, expected "
                "none; the file is damaged"
            )

    def _skip(self, count: int) -> int:
        """Returns where some bytes begin that are there."""
        start = self._at
        if count > len(self._content) - start:
            raise self._cut_off()
        self._at = start + count
        return start

    def _cut_off(self) -> DataError:
        return DataError(
            f"{self._file}: ends at byte {len(self._content)} within an entry; the "
            "file is cut off or damaged"
        )


def read_cameras(content: bytes, file: str) -> dict[int, ModelCamera]:
    """Returns the cameras of a `cameras.bin` by their numbers.

    Args:
        content: of the file.
        file: what messages call it.

    Raises:
        DataError: the file is cut off, too long, or holds an unknown model.
    """
    reader = _Reader(content, file)
    cameras = {}
    (count,) = reader.take("Q")
    for _ in range(count):
        number, model, width, height = reader.take("iiQQ")
        place = f"{file}: camera {number}"
        if model not in MODELS:
            raise DataError(
                f"{place}: model: found the number {model}, expected 0 to "
                f"{max(MODELS)}; undistort the images to a pinhole camera first "
                "(`colmap image_undistorter`)"
            )
        name, size = MODELS[model]
        values = reader.take(f"{size}d")
        if not all(map(math.isfinite, values)):
            raise DataError(f"{place}: found parameters that are not finite")
        cameras[number] = ModelCamera(f"{place}: ", name, width, height, values)
    reader.end()
    return cameras


def read_images(content: bytes, file: str) -> tuple[ModelImage, ...]:
    """Returns the photographs of an `images.bin`, in the file's order.

    Args:
        content: of the file.
        file: what messages call it.

    Raises:
        DataError: the file is cut off or too long, or a pose is none.
    """
    reader = _Reader(content, file)
    images = []
    (count,) = reader.take("Q")
    for _ in range(count):
        number, *pose, camera = reader.take("I7dI")
        place = f"{file}: image {number}"
        name = reader.name()
        images.append(ModelImage(place, name, camera, rigid_motion(place, tuple(pose))))
        (points,) = reader.take("Q")
        reader.skip(_POINT * points)
    reader.end()
    return tuple(images)
