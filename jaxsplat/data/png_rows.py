"""How many bytes the rows of a PNG take, and whether they are there.

Decoders fill up rows that are missing where the compressed pixels end between two rows:
such a file passes every checksum, and a part of the image is black.
"""

import math
import struct
import zlib

_HEADER = struct.Struct(">IIBBBBB")
_HEADER_AT, _FIRST_CHUNK = 16, 8
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row, and steps, of the passes of an interlaced image (Adam7).
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_PIECE = 2**20


def has_all_rows(data: bytes) -> bool:
    """Returns whether a PNG whose chunks are sound holds all of its pixels.

    Args:
        data: the whole file, which a decoder has accepted.
    """
    needed = _bytes_of_rows(*_HEADER.unpack_from(data, _HEADER_AT))
    inflate = zlib.decompressobj()
    at = _FIRST_CHUNK
    while needed > 0 and at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        packed = data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        while packed and needed > 0 and not inflate.eof:
            needed -= len(inflate.decompress(packed, _PIECE))
            packed = inflate.unconsumed_tail
        at += 12 + length
    return needed <= 0


def _bytes_of_rows(width: int, height: int, depth: int, color: int, *rest: int) -> int:
    """Returns how many bytes the inflated rows take, each with its filter's byte."""
    bits = depth * _CHANNELS[color]
    is_interlaced = rest[-1]
    total = 0
    for left, top, across, down in _PASSES if is_interlaced else ((0, 0, 1, 1),):
        columns = math.ceil((width - left) / across)
        rows = math.ceil((height - top) / down)
        if columns > 0 and rows > 0:
            total += rows * (1 + math.ceil(columns * bits / 8))
    return total
