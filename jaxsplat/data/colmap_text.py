"""COLMAP's `cameras.txt` and `images.txt`."""

import math
from collections.abc import Iterator

from jaxsplat.data.colmap_records import ModelCamera, ModelImage, rigid_motion
from jaxsplat.errors import DataError

# Columns of an image's line: number, quaternion, translation, camera, name.
_COLUMNS = 10
# An image point is written as x, y and the number of a point.
_POINT = 3


def read_cameras(content: bytes, file: str) -> dict[int, ModelCamera]:
    """Returns the cameras of a `cameras.txt` by their numbers.

    Args:
        content: of the file.
        file: what messages call it.

    Raises:
        DataError: a line is not as COLMAP writes it.
    """
    cameras = {}
    for place, line in _lines(content, file):
        words = line.split()
        if not words:
            continue
        try:
            number, width, height = (int(words[i]) for i in (0, 2, 3))
            values = tuple(map(float, words[4:]))
        except (ValueError, IndexError):
            raise _wrong(place, line, "ID MODEL WIDTH HEIGHT PARAMETERS") from None
        if not all(map(math.isfinite, values)):
            raise _wrong(place, line, "parameters that are finite")
        cameras[number] = ModelCamera(f"{place}: ", words[1], width, height, values)
    return cameras


def read_images(content: bytes, file: str) -> tuple[ModelImage, ...]:
    """Returns the photographs of an `images.txt`, in the file's order.

    Args:
        content: of the file.
        file: what messages call it.

    Raises:
        DataError: a line is not as COLMAP writes it, or the line of image points after
            each photograph's is left out.
    """
    lines = _lines(content, file)
    images = []
    for place, line in lines:
        if not line:
            continue
        words = line.split(maxsplit=_COLUMNS - 1)
        try:
            pose = tuple(map(float, words[1:8]))
            camera, name = int(words[8]), words[9]
        except (ValueError, IndexError):
            expected = "IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME"
            raise _wrong(place, line, expected) from None
        images.append(ModelImage(place, name, camera, rigid_motion(place, pose)))
        _check_points(*next(lines, (place, "")))
    return tuple(images)


def _check_points(place: str, line: str) -> None:
    """Checks the look of a line of image points, which a photograph's may not have."""
    words = line.split()
    if len(words) % _POINT or not _is_point(words[-_POINT:]):
        raise _wrong(
            place, line, "the line of image points X Y POINT3D_ID, which may be empty"
        )


def _is_point(words: list[str]) -> bool:
    """Returns whether the end of a line is a point; a photograph's ends in a name."""
    try:
        for word, read in zip(words, (float, float, int)):
            read(word)
    except ValueError:
        return False
    return True


def _lines(content: bytes, file: str) -> Iterator[tuple[str, str]]:
    """Yields the lines that are no comments, each with its place."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: byte {error.start} is not UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.startswith("#"):
            yield f"{file}: line {number}", line.strip()


def _wrong(place: str, line: str, expected: str) -> DataError:
    return DataError(f"{place}: found {ascii(line[:60])}, expected {expected}")
