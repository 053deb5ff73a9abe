"""Bytes of a PNG or JPEG file to the integers that it stores.

Pillow decodes. Its driver for the kind of file is used directly: `Image.open` warns by
a limit that is global to the process, and would read a photograph with a preview
behind it as an animation.
"""

import contextlib
import dataclasses
import io
from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Shaped
from PIL import Image, JpegImagePlugin, PngImagePlugin

from jaxsplat.errors import DataError

# An 8000x8000 photograph passes; a small file that claims 20000x20000 does not.
MAX_PIXELS = 2**26
MAX_SIDE = 2**15
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_BIT_DEPTH = 24
_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
_JPEG_END = b"\xff\xd9"
_LFS_START = b"version https://git-lfs"
_ORIENTATION = 0x0112
_GREY_MODES = ("1", "L", "I", "I;16")


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What a file holds.

    Attributes:
        pixels: RGB or RGBA, [h, w, 3 or 4], uint8 or uint16.
        lossless: whether equal pixels in the scene are equal in the file (PNG).
        is_turned: whether EXIF says that the stored pixels are not upright.
    """

    pixels: Shaped[np.ndarray, "h w c"]
    lossless: bool
    is_turned: bool


def decode(data: bytes, name: str) -> Decoded:
    """Returns the pixels of a complete PNG or JPEG file, as they are stored.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        DataError: the file is empty, of another kind, cut off, damaged, animated,
            larger than `MAX_PIXELS` or `MAX_SIDE`, makes a grey level transparent, or
            is in colours that are not defined without a profile (CMYK).
    """
    with _named(name):
        return _decode(data)


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """Returns width and height of a PNG or JPEG file, whose pixels are not decoded.

    Args:
        data: the whole file.
        name: what messages call it.

    Raises:
        DataError: as far as the header tells what `decode` refuses.
    """
    with _named(name):
        return _open(data).size


class _Bad(Exception):
    """A problem that the caller names together with the file."""


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Makes every problem of a file one that names it."""
    try:
        yield
    except _Bad as problem:
        raise DataError(f"{name}: {problem}") from None
    except Exception as error:
        # Pillow raises whatever its parsers meet: OSError, SyntaxError, ValueError...
        raise DataError(f"{name}: is damaged: {error}") from error


def _open(data: bytes) -> Image.Image:
    """Returns a file that its header and its end let through."""
    is_png = data.startswith(_PNG_START)
    if not is_png and not data.startswith(_JPEG_START):
        raise _Bad(_not_read(data))
    if not _has_end(data, is_png):
        raise _Bad("is cut off; copy it again")
    driver = PngImagePlugin.PngImageFile if is_png else JpegImagePlugin.JpegImageFile
    picture = driver(io.BytesIO(data))
    _check(picture)
    return picture


def _decode(data: bytes) -> Decoded:
    picture = _open(data)
    is_png = isinstance(picture, PngImagePlugin.PngImageFile)
    if is_png:
        # Decoding alone reads no checksum of the pixels; this ends the use of a file.
        PngImagePlugin.PngImageFile(io.BytesIO(data)).verify()
    picture.load()
    is_wide = is_png and data[_PNG_BIT_DEPTH] == 16
    return Decoded(
        _wide_pixels(data) if is_wide else _pixels(picture),
        lossless=is_png,
        is_turned=_is_turned(picture),
    )


def _not_read(data: bytes) -> str:
    """Returns what is wrong with a file of another kind, and what to do."""
    if not data:
        return "is empty; copy it again"
    if data.startswith(_LFS_START):
        return "is a pointer of Git LFS, not the image; run `git lfs pull`"
    return (
        f"is neither a PNG nor a JPEG image (it starts with {data[:12]!r}); save it as "
        "PNG"
    )


def _has_end(data: bytes, is_png: bool) -> bool:
    """Returns whether the end marker is there; whatever follows it is ignored.

    Pillow passes over a missing one when all pixels could be decoded.
    """
    if is_png:
        return _PNG_END in data
    # It must follow the last scan: a thumbnail in the head has its own end.
    return _JPEG_END in data[max(data.rfind(_JPEG_SCAN), 0) :]


def _check(picture: Image.Image) -> None:
    """Checks what the header says, before anything is allocated for the pixels."""
    width, height = picture.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise _Bad(
            f"claims a size of {width}x{height} pixels, expected at most "
            f"{MAX_PIXELS} pixels and {MAX_SIDE} a side"
        )
    if getattr(picture, "is_animated", False):
        raise _Bad("is animated, expected a single image")
    if picture.mode == "CMYK":
        raise _Bad("holds CMYK colours, expected grey or RGB; save it as RGB")
    if picture.mode in _GREY_MODES and "transparency" in picture.info:
        raise _Bad("makes a grey level transparent; save it with an alpha channel")


def _pixels(picture: Image.Image) -> Shaped[np.ndarray, "h w c"]:
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return np.array(picture.convert(mode))


def _wide_pixels(data: bytes) -> Shaped[np.ndarray, "h w c"]:
    """Returns 16-bit pixels, of which Pillow would keep eight bits of a colour."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise _Bad("is damaged: its pixels cannot be decoded")
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    has_alpha = pixels.shape[2] == 4
    order = cv2.COLOR_BGRA2RGBA if has_alpha else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, order)


def _is_turned(picture: Image.Image) -> bool:
    try:
        return 2 <= picture.getexif().get(_ORIENTATION, 1) <= 8
    except Exception:
        # EXIF that cannot be read says nothing; the pixels are whole.
        return False
