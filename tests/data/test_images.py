"""Decoding, against Pillow where it reads the same kind of file."""

import io
import os
import pathlib
import resource
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from jaxsplat.data import decoding, images
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError
from tests.helpers import faults

_RNG = np.random.default_rng(0)
PIXELS = _RNG.integers(0, 256, (9, 7, 4), dtype=np.uint8)
RGB = Image.fromarray(PIXELS[..., :3])
RGBA = Image.fromarray(PIXELS)


def _encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _written(folder: pathlib.Path, content: bytes) -> pathlib.Path:
    path = folder / "image"
    path.write_bytes(content)
    return path


KINDS = {
    "rgb": _encoded(RGB),
    "rgba": _encoded(RGBA),
    "grey": _encoded(RGB.convert("L")),
    "grey and alpha": _encoded(RGBA.convert("LA")),
    "palette": _encoded(RGB.quantize(16)),
    "palette and alpha": _encoded(
        RGB.quantize(16), transparency=bytes([0, 128] + 14 * [255])
    ),
    "colour key": _encoded(RGB, transparency=tuple(int(v) for v in PIXELS[0, 0, :3])),
    "one bit": _encoded(RGB.convert("1")),
    "colour profile": _encoded(RGB, icc_profile=b"ignored"),
    "gamma": _encoded(RGB)[:33]
    + faults.png_chunk(b"gAMA", (10_000).to_bytes(4, "big"))
    + _encoded(RGB)[33:],
}


@pytest.mark.parametrize("kind", KINDS)
def test_png_kinds_equal_pillow(tmp_path: pathlib.Path, kind: str) -> None:
    image, alpha = images.read_image(_written(tmp_path, KINDS[kind]))
    held, _ = images.image_in(KINDS[kind], "name")
    np.testing.assert_array_equal(held, image)
    assert decoding.size_of(KINDS[kind], "name") == image.shape[1::-1]
    oracle = np.asarray(Image.open(io.BytesIO(KINDS[kind])).convert("RGBA")) / 255.0
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, oracle[..., :3] * oracle[..., 3:], atol=1e-6)
    if alpha is None:
        assert oracle[..., 3].min() == 1
    else:
        np.testing.assert_allclose(alpha, oracle[..., 3], atol=1e-6)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_equals_pillow(
    tmp_path: pathlib.Path, mode: str, progressive: bool
) -> None:
    smooth = RGB.resize((64, 48), Image.Resampling.BICUBIC).convert(mode)
    content = _encoded(smooth, "JPEG", quality=95, progressive=progressive)
    image, alpha = images.read_image(_written(tmp_path, content))
    oracle = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) / 255.0
    assert alpha is None
    # Two decoders may differ in the way they enlarge the chroma.
    assert np.abs(image - oracle).mean() < 2 / 255


def test_16_bit_is_scaled_not_cut(tmp_path: pathlib.Path) -> None:
    levels = np.array([[0, 1, 255, 256, 32768, 65535]], np.uint16)
    image, _ = images.read_image(_written(tmp_path, _encoded(Image.fromarray(levels))))
    np.testing.assert_allclose(image[..., 1], levels / 65535, rtol=1e-6)


@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colours_are_not_cut(tmp_path: pathlib.Path, channels: int) -> None:
    levels = _RNG.integers(0, 2**16, (9, 7, channels), dtype=np.uint16)
    order = [2, 1, 0, 3][:channels]
    encoded = cv2.imencode(".png", levels[..., order])[1].tobytes()
    pixels = decoding.decode(encoded, "image").pixels
    np.testing.assert_array_equal(pixels, levels)
    image, alpha = images.read_image(_written(tmp_path, encoded))
    opacity = 1 if alpha is None else levels[..., 3:] / 65535
    np.testing.assert_allclose(image, levels[..., :3] / 65535 * opacity, atol=1e-6)


def test_equal_content_is_equal_in_every_kind(tmp_path: pathlib.Path) -> None:
    grey = RGB.convert("L")
    wide = np.asarray(grey).astype(np.uint16) * 257
    variants = [grey, grey.convert("RGB"), grey.convert("RGBA"), grey.convert("P")]
    arrays = [
        images.read_image(_written(tmp_path, _encoded(variant)))[0]
        for variant in (*variants, Image.fromarray(wide))
    ]
    for array in arrays[1:]:
        np.testing.assert_allclose(array, arrays[0], atol=1e-7)


def test_colour_below_clear_pixels_vanishes(tmp_path: pathlib.Path) -> None:
    pixels = PIXELS.copy()
    pixels[:4, :, 3] = 0
    image, alpha = images.read_image(
        _written(tmp_path, _encoded(Image.fromarray(pixels)))
    )
    assert alpha is not None
    assert not image[:4].any() and not alpha[:4].any()
    assert image[4:].any()


def test_alpha_of_0_and_1_is_a_mask(tmp_path: pathlib.Path) -> None:
    pixels = PIXELS.copy()
    pixels[..., 3] = pixels[..., 3] > 100
    notes = Notes()
    path = _written(tmp_path, _encoded(Image.fromarray(pixels)))
    decoded = decoding.decode(path.read_bytes(), "a.png")
    image, alpha = images.image_of(decoded, "a.png", notes)
    assert alpha is not None
    np.testing.assert_array_equal(alpha, pixels[..., 3])
    expected = np.where(pixels[..., 3:] > 0, pixels[..., :3], 0) / 255
    np.testing.assert_allclose(image, expected, atol=1e-6)
    assert notes.sentences() == (
        "alpha of 0 and 1 on the scale to 255 is taken as 0 and 255: a.png",
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_never_applied(
    tmp_path: pathlib.Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = _written(tmp_path, _encoded(RGB, kind, exif=exif))
    notes = Notes()
    decoded = decoding.decode(path.read_bytes(), "a.jpg")
    image, _ = images.image_of(decoded, "a.jpg", notes)
    plain, _ = images.read_image(_written(tmp_path, _encoded(RGB, kind)))
    np.testing.assert_array_equal(image, plain)
    remark = ("the EXIF orientation is not applied: a.jpg",)
    assert notes.sentences() == (() if orientation == 1 else remark)


def test_orientation_after_the_pixels_of_a_png_is_found() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    chunk = faults.png_chunk(b"eXIf", exif.tobytes()[6:])
    content = _encoded(RGB)
    assert not decoding.decode(content, "image").is_turned
    assert decoding.decode(content[:-12] + chunk + content[-12:], "image").is_turned


def test_exif_that_cannot_be_read_says_nothing() -> None:
    # Without a resolution in the head, Pillow looks for one in the EXIF and refuses.
    damaged = b"Exif\0\0MM\0*\xff\xff\xff\xff"
    content = _encoded(RGB, "JPEG", exif=damaged, dpi=(72, 72))
    assert not decoding.decode(content, "image").is_turned


def test_a_photograph_with_a_preview_behind_it_is_no_animation() -> None:
    content = _encoded(RGB, "MPO", save_all=True, append_images=[RGB])
    assert Image.open(io.BytesIO(content)).is_animated
    assert decoding.decode(content, "image").pixels.shape == (9, 7, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_cut_is_found(tmp_path: pathlib.Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    content = _encoded(RGB, kind, exif=exif)
    for length in range(len(content)):
        with pytest.raises(DataError):
            decoding.decode(content[:length], "image")


def test_cut_jpeg_with_thumbnail_is_found() -> None:
    """A thumbnail in the head brings its own end marker."""
    thumbnail = _encoded(RGB, "JPEG")
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    content = _encoded(RGB.resize((64, 64)), "JPEG")
    content = content[:2] + segment + content[2:]
    decoding.decode(content, "image")
    scan = content.rfind(b"\xff\xda")
    for length in range(len(content)):
        with pytest.raises(
            DataError, match="cut off" if length > scan + 1 else "image: "
        ):
            decoding.decode(content[:length], "image")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_follows_the_end_is_ignored(tmp_path: pathlib.Path, kind: str) -> None:
    path = _written(tmp_path, _encoded(RGB, kind) + b"trailer")
    assert images.read_image(path)[0].shape == (9, 7, 3)


def test_every_damaged_byte_of_a_png_is_found() -> None:
    content = _encoded(RGB)
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        with pytest.raises(DataError):
            decoding.decode(bytes(damaged), "image")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello", "neither a PNG nor a JPEG"),
        (b"<!DOCTYPE html><html>404</html>", "neither a PNG nor a JPEG"),
        (_encoded(RGB, "GIF"), "neither a PNG nor a JPEG"),
        (_encoded(RGB, "TIFF"), "neither a PNG nor a JPEG"),
        (_encoded(RGB, "PNG", save_all=True, append_images=[RGBA]), "animated"),
        (_encoded(RGB.convert("CMYK"), "JPEG"), "CMYK"),
        (_encoded(RGB.convert("L"), transparency=9), "grey level transparent"),
        (faults.png_of_size(20_000, 20_000), "20000x20000 pixels, expected at most"),
        (faults.png_of_size(10**9, 1), "1000000000x1 pixels"),
        (faults.png_of_size(0, 0), "is damaged"),
        (faults.png_of_size(5, 0), "is damaged"),
        (
            faults.png_of_size(5, 5)[:8] + faults.png_chunk(b"IEND", b""),
            "is damaged",
        ),
        (_encoded(RGB, "JPEG").replace(b"\0\x09\0\x07", b"\xff\xff\0\x01"), "65535"),
        (b"\xff\xd8\xff\xda\0\x02\xff\xd9", "is damaged"),
        (b"\xff\xd8\x00\x00\x00", "is cut off"),
        (b"\xff\xd8\x00\x00\x00\xff\xd9", "is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused_before_decoding(
    tmp_path: pathlib.Path, content: bytes, message: str
) -> None:
    path = _written(tmp_path, content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    for read in (images.read_image, images.read_mask):
        with pytest.raises(DataError, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)
    assert time.monotonic() - start < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_pixels_that_do_not_inflate(tmp_path: pathlib.Path) -> None:
    path = _written(tmp_path, faults.png_of_size(1000, 1000))
    with pytest.raises(DataError, match="is damaged"):
        images.read_image(path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png: is a pipe or a device, expected"):
        images.read_file(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="/dev/zero: is a pipe or a device"):
        images.read_file(pathlib.Path("/dev/zero"))


def test_missing_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DataError, match="gone.png: cannot be read: No such file"):
        images.read_image(tmp_path / "gone.png")


MARKED = PIXELS[..., 0] > 128


@pytest.mark.parametrize(
    "pixels",
    [
        MARKED.astype(np.uint8),
        MARKED.astype(np.uint8) * 255,
        np.where(MARKED, PIXELS[..., 1] | 1, 0).astype(np.uint8),
        np.stack([MARKED * 255, MARKED * 0, MARKED * 0], axis=2).astype(np.uint8),
        np.stack([MARKED * 255] * 3 + [MARKED * 0 + 255], axis=2).astype(np.uint8),
        np.stack([MARKED * 0 + 255] * 3 + [MARKED * 255], axis=2).astype(np.uint8),
        MARKED.astype(np.uint16) * 300,
    ],
    ids=["0 1", "0 255", "smoothed", "red", "rgba", "by alpha", "16 bit"],
)
def test_masks_of_every_kind_mean_the_same(
    tmp_path: pathlib.Path, pixels: np.ndarray
) -> None:
    mask = images.read_mask(_written(tmp_path, _encoded(Image.fromarray(pixels))))
    np.testing.assert_array_equal(mask, MARKED)


def test_palette_mask(tmp_path: pathlib.Path) -> None:
    indexed = Image.fromarray(MARKED.astype(np.uint8) * 255).quantize(2)
    mask = images.read_mask(_written(tmp_path, _encoded(indexed)))
    np.testing.assert_array_equal(mask, MARKED)


def test_jpeg_mask_is_cut_at_half(tmp_path: pathlib.Path) -> None:
    marked = np.zeros((32, 32), np.uint8)
    marked[8:19, 5:23] = 255
    content = _encoded(Image.fromarray(marked), "JPEG", quality=90)
    mask = images.read_mask(_written(tmp_path, content))
    np.testing.assert_array_equal(mask, marked > 0)


def test_resize_area_is_the_mean_over_blocks() -> None:
    image = _RNG.random((12, 18, 3), np.float32)
    blocks = image.reshape(4, 3, 9, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(images.resize_area(image, 9, 4), blocks, atol=1e-6)


def test_mask_of_coverage_keeps_half_covered_pixels() -> None:
    mask = np.zeros((8, 8), bool)
    mask[1:4, 0:6] = True
    small = images.mask_of_coverage(images.resize_area(mask.astype(np.float32), 4, 4))
    expected = np.zeros((4, 4), bool)
    expected[0:2, 0:3] = True
    np.testing.assert_array_equal(small, expected)


def test_mask_of_coverage_never_loses_a_defect() -> None:
    mask = np.zeros((64, 64), bool)
    mask[33, 20] = True
    small = images.mask_of_coverage(images.resize_area(mask.astype(np.float32), 8, 8))
    assert small.sum() == 1 and small[4, 2]
    assert not images.mask_of_coverage(np.zeros((8, 8), np.float32)).any()
