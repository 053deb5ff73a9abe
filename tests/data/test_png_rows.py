"""PNG files that lack rows although all of their chunks are sound."""

import struct
import zlib

import numpy as np
import pytest

from jaxsplat.data import decoding, png_rows
from jaxsplat.errors import DataError
from tests.helpers import faults

WIDTH, HEIGHT = 11, 9
GREY = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)


def png(rows: bytes, *, interlaced: bool = False) -> bytes:
    """Returns a grey PNG with given inflated rows, in two chunks."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, int(interlaced))
    packed = zlib.compress(rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + faults.png_chunk(b"IHDR", header)
        + faults.png_chunk(b"IDAT", packed[:20])
        + faults.png_chunk(b"IDAT", packed[20:])
        + faults.png_chunk(b"IEND", b"")
    )


def plain_rows() -> list[bytes]:
    """Returns the rows of the grey image, none of them filtered."""
    return [b"\0" + row.tobytes() for row in GREY]


def interlaced_rows() -> list[bytes]:
    """Returns the rows of its seven passes."""
    parts = [
        GREY[top::down, left::across]
        for left, top, across, down in (
            *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
            *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
        )
    ]
    return [b"\0" + row.tobytes() for part in parts for row in part]


@pytest.mark.parametrize("interlaced", [False, True])
def test_whole_images_are_read_and_lacking_ones_refused(interlaced: bool) -> None:
    rows = interlaced_rows() if interlaced else plain_rows()
    whole = png(b"".join(rows), interlaced=interlaced)
    np.testing.assert_array_equal(decoding.decode(whole, "x").pixels[..., 0], GREY)
    for kept in range(len(rows)):
        lacking = png(b"".join(rows[:kept]), interlaced=interlaced)
        with pytest.raises(DataError, match="x: is (cut off|damaged)"):
            decoding.decode(lacking, "x")
        assert not png_rows.has_all_rows(lacking)


def test_what_a_decoder_passes_over_is_refused() -> None:
    with pytest.raises(DataError, match="it lacks some of its rows"):
        decoding.decode(png(b"".join(plain_rows()[:5])), "x")
