"""Checks on the bytes of a PNG or JPEG file before anything decodes it.

Decoders allocate what a header claims, and fill the missing end of a cut JPEG with grey
without a word. Here the claimed size is bounded and the file must be complete.
"""

import dataclasses
import struct
import zlib
from collections.abc import Iterator

from jaxsplat.errors import DataError

# An 8000x8000 photograph passes; a small file that claims 20000x20000 does not.
MAX_PIXELS = 2**26
MAX_SIDE = 2**15
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_GREY = 0
_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_EXIF = 0xE1
_EXIF_PREFIX = b"Exif\0\0"
_TIFF_ORIENTATION = 0x0112


@dataclasses.dataclass(frozen=True)
class Header:
    """What the checks found.

    Attributes:
        width: in pixels.
        height: in pixels.
        lossless: whether equal pixels in the scene are equal in the file (PNG).
        orientation: the EXIF orientation, 1 (upright) where the file has none.
    """

    width: int
    height: int
    lossless: bool
    orientation: int = 1


def check_image_bytes(data: bytes, name: str) -> Header:
    """Returns the header of a complete PNG or JPEG file.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        DataError: the file is empty, of another kind, cut off, damaged, animated,
            larger than `MAX_PIXELS` or `MAX_SIDE`, or in colours that are not defined
            without a profile (CMYK).
    """
    try:
        if data.startswith(_PNG_SIGNATURE):
            return _check_png(data)
        if data.startswith(_JPEG_START):
            return _check_jpeg(data)
        raise _Bad("is empty" if not data else "is neither a PNG nor a JPEG image")
    except _Bad as problem:
        raise DataError(f"{name}: {problem}") from None


class _Bad(Exception):
    """A problem that the caller names together with the file."""


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise _Bad(f"claims a size of {width}x{height} pixels")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _Bad(
            f"claims a size of {width}x{height} pixels, expected at most "
            f"{MAX_PIXELS} pixels and {MAX_SIDE} a side"
        )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (type, content) up to the end chunk (PNG specification, section 5.3)."""
    position = len(_PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise _Bad("is cut off")
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            raise _Bad("is cut off")
        content = data[position + 8 : end]
        if kind == b"IHDR" and length == 13:
            _check_size(*struct.unpack_from(">II", content))
        (stated,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(content, zlib.crc32(kind)) != stated:
            raise _Bad(f"is damaged: wrong checksum of its {kind!r} part")
        yield kind, content
        position = end + 4


def _check_png(data: bytes) -> Header:
    chunks = _png_chunks(data)
    kind, content = next(chunks)
    if kind != b"IHDR" or len(content) != 13:
        raise _Bad("is damaged: a PNG without header")
    width, height = struct.unpack_from(">II", content)
    color_type = content[9]
    orientation = 1
    for kind, content in chunks:
        if kind == b"acTL":
            raise _Bad("is animated, expected a single image")
        if kind == b"tRNS" and color_type == _PNG_GREY:
            raise _Bad("makes a grey level transparent; save it with an alpha channel")
        if kind == b"eXIf":
            orientation = _exif_orientation(content)
    return Header(width, height, lossless=True, orientation=orientation)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yields (marker, content, end) up to the first scan (ITU T.81, annex B)."""
    position = len(_JPEG_START)
    marker = 0
    while marker != _JPEG_SCAN:
        if data[position : position + 1] not in (b"\xff", b""):
            raise _Bad("is damaged: a marker is missing")
        while data[position : position + 1] == b"\xff":
            position += 1
        if position + 3 > len(data):
            raise _Bad("is cut off")
        marker = data[position]
        (length,) = struct.unpack_from(">H", data, position + 1)
        end = position + 1 + length
        if length < 2 or end > len(data):
            raise _Bad("is cut off")
        yield marker, data[position + 3 : end], end
        position = end


def _check_jpeg(data: bytes) -> Header:
    orientation, size, scan = 1, None, 0
    for marker, content, scan in _jpeg_segments(data):
        if marker in _JPEG_FRAMES and len(content) >= 6:
            height, width, components = struct.unpack_from(">HHB", content, 1)
            _check_size(width, height)
            if components not in (1, 3):
                raise _Bad("holds CMYK colours, expected grey or RGB")
            size = width, height
        elif marker == _JPEG_EXIF and content.startswith(_EXIF_PREFIX):
            orientation = _exif_orientation(content[len(_EXIF_PREFIX) :])
    if size is None:
        raise _Bad("is damaged: a JPEG without frame header")
    # The end must follow the last scan: a thumbnail in the head has its own end.
    last_scan = max(data.rfind(bytes([0xFF, _JPEG_SCAN])), scan)
    if data.find(_JPEG_END, last_scan) < 0:
        raise _Bad("is cut off")
    return Header(*size, lossless=False, orientation=orientation)


def _exif_orientation(tiff: bytes) -> int:
    """Returns the orientation of the first TIFF directory, 1 where it has none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, entry)
            if tag == _TIFF_ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
