"""Image files to float arrays, by one policy for every kind of file.

- Grey becomes three equal channels, a palette its colours, 16 bit is scaled.
- Alpha is kept and the colour premultiplied by it.
- EXIF orientation is never applied, since poses and masks belong to the stored pixels.
- Embedded colour profiles and gamma values are ignored.
- CMYK, animations and files that are neither PNG nor JPEG are refused.
"""

import hashlib
import os
import pathlib
import stat

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import decoding
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# The largest image that passes the size limit, 16-bit RGBA and not compressed.
_MAX_FILE_BYTES = 8 * decoding.MAX_PIXELS
# A mask file of so many levels may number its parts; one of more is soft.
_LABELS = 16
_FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def read_file(path: pathlib.Path) -> bytes:
    """Returns the content of an image file.

    Raises:
        DataError: the file cannot be read, is a pipe or a device, or is larger than
            any image may be.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DataError(f"{path}: is a pipe or a device, expected a file")
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise DataError(f"{path}: larger than {_MAX_FILE_BYTES // 2**20} MiB")
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Opens without waiting for whoever would write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_image(
    path: pathlib.Path,
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"] | None]:
    """Returns the colours of an image file and its alpha.

    Args:
        path: a PNG or JPEG file.

    Returns:
        As `image_of`.

    Raises:
        DataError: the file cannot be read, is damaged, cut off, too large, or of a
            kind that the policy above refuses.
    """
    return image_in(read_file(path), str(path))


def image_in(
    content: bytes, name: str
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"] | None]:
    """Returns what `read_image` does, of the content of an image file.

    Args:
        content: of a PNG or JPEG file, whole.
        name: what messages call it.

    Raises:
        DataError: as `read_image`.
    """
    return image_of(decoding.decode(content, name), name, Notes())


def image_of(
    decoded: decoding.Decoded, name: str, notes: Notes
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"] | None]:
    """Returns the colours and the alpha that a file holds.

    Args:
        decoded: the file's pixels.
        name: what remarks call it.
        notes: takes remarks, such as an EXIF orientation that is not applied.

    Returns:
        RGB in [0, 1], [h, w, 3] float32, premultiplied by alpha; alpha in [0, 1],
        [h, w] float32, or None where the file has none.
    """
    if decoded.is_turned:
        notes.add("the EXIF orientation is not applied", name)
    pixels = decoded.pixels
    scale = np.float32(_FULL_SCALE[pixels.dtype])
    image = pixels[..., :3].astype(np.float32) / scale
    if pixels.shape[2] == 3:
        return image, None
    alpha = pixels[..., 3].astype(np.float32) / scale
    if scale == 255 and pixels[..., 3].max() == 1:
        # SplatPose's preparation script writes 1 where it means opaque.
        notes.add("alpha of 0 and 1 on the scale to 255 is taken as 0 and 255", name)
        alpha = alpha * scale
    return image * alpha[..., None], alpha


def read_mask(path: pathlib.Path) -> Bool[np.ndarray, "h w"]:
    """Returns where a mask file marks a defect.

    A pixel is marked when any colour channel, times alpha where there is one, is above
    zero, so that masks of {0, 1}, {0, 255}, smoothed and coloured ones mean the same.
    In a JPEG, whose zeros are not exact, it must be above half.

    Raises:
        DataError: as `read_image`.
    """
    decoded = decoding.decode(read_file(path), str(path))
    pixels = decoded.pixels
    colors = pixels[..., :3].max(axis=2)
    if pixels.shape[2] == 4:
        colors = np.where(pixels[..., 3] > 0, colors, 0)
    return colors > (0 if decoded.lossless else _FULL_SCALE[pixels.dtype] // 2)


def read_coverage(path: pathlib.Path) -> tuple[Float[np.ndarray, "h w"], str]:
    """Returns how far a mask file counts each pixel as object, and the file's digest.

    A level above zero is object, in a JPEG, whose zeros are not exact, a level above
    half. A lossless file of many levels is a soft mask: its levels are the coverage.

    Args:
        path: a PNG or JPEG file; colours count by their largest channel, times alpha.

    Returns:
        Coverage in [0, 1], [h, w] float32; SHA-256 of the file's bytes in hexadecimal.

    Raises:
        DataError: as `read_image`.
    """
    content = read_file(path)
    decoded = decoding.decode(content, str(path))
    full = np.float32(_FULL_SCALE[decoded.pixels.dtype])
    pixels = decoded.pixels.astype(np.float32) / full
    levels = pixels[..., :3].max(axis=2)
    if pixels.shape[2] == 4:
        levels = levels * pixels[..., 3]
    if not decoded.lossless:
        levels = (levels > 0.5).astype(np.float32)
    elif len(np.unique(levels)) <= _LABELS:
        levels = (levels > 0).astype(np.float32)
    return levels, hashlib.sha256(content).hexdigest()


def resize_area(
    image: Float[np.ndarray, "..."], width: int, height: int
) -> Float[np.ndarray, "..."]:
    """Returns an image [h, w] or [h, w, c] at another size in pixels, by area means."""
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.clip(resized, 0.0, 1.0)


def mask_of_coverage(coverage: Float[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Returns the mask of the pixels of which at least half is marked.

    This keeps the marked area when a mask was resampled. One that would vanish by this
    rule keeps every pixel that it touched.

    Args:
        coverage: share of each pixel that the mask marks, in [0, 1], [h, w].
    """
    # The area weights are rounded: half may come out a little less.
    kept = coverage >= 0.5 - 1e-4
    return kept if kept.any() else coverage > 0
