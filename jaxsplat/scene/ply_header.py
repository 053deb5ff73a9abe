"""Headers of 3DGS PLY files: which properties a vertex has, and in which order."""

import os
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from jaxsplat import errors

MEANS = ["x", "y", "z"]
NORMALS = ["nx", "ny", "nz"]
COLORS = [f"f_dc_{k}" for k in range(3)]
SCALES = [f"scale_{k}" for k in range(3)]
QUATS = [f"rot_{k}" for k in range(4)]
_REQUIRED = [*MEANS, *COLORS, "opacity", *SCALES, *QUATS]
_REST_COUNTS = (0, 9, 24, 45)  # of spherical harmonics of degree 0 to 3
_FORMAT = ["format", "binary_little_endian", "1.0"]
_MAX_BYTES = 1 << 16  # the header of degree 3 has about 1500
_MAX_DIGITS = 18  # of a count, so that it fits in 64 bits
_TYPES = {
    **dict.fromkeys(["char", "int8"], "i1"),
    **dict.fromkeys(["uchar", "uint8"], "u1"),
    **dict.fromkeys(["short", "int16"], "<i2"),
    **dict.fromkeys(["ushort", "uint16"], "<u2"),
    **dict.fromkeys(["int", "int32"], "<i4"),
    **dict.fromkeys(["uint", "uint32"], "<u4"),
    **dict.fromkeys(["float", "float32"], "<f4"),
    **dict.fromkeys(["double", "float64"], "<f8"),
}


def names(rest: int) -> list[str]:
    """Returns the property names in file order, with `rest` f_rest properties."""
    f_rest = [f"f_rest_{k}" for k in range(rest)]
    return [*MEANS, *NORMALS, *COLORS, *f_rest, "opacity", *SCALES, *QUATS]


def rest_names(properties: Iterable[str]) -> list[str]:
    """Returns the f_rest names among the properties, ordered by their number."""
    found = {name for name in properties if name.startswith("f_rest_")}
    return [f"f_rest_{k}" for k in range(len(found))]


def encode(properties: list[str], count: int) -> bytes:
    """Returns the header of `count` vertices with the given float properties."""
    lines = ["ply", " ".join(_FORMAT), f"element vertex {count}"]
    lines += [f"property float {name}" for name in properties]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def read(path: str | os.PathLike[str], file: BinaryIO) -> tuple[int, np.dtype]:
    """Returns the number of vertices and the layout of one.

    Args:
        path: name of the file, for messages.
        file: the file at its start; it is left at the first byte after the header.

    Raises:
        DataError: it is not the header of a binary little-endian 3DGS file.
    """
    return _parse(path, _lines(path, file))


def _lines(path: str | os.PathLike[str], file: BinaryIO) -> list[str]:
    """Returns the header's lines and leaves the file at the first byte after it."""
    start = file.read(_MAX_BYTES)
    if start[:3] == b"ply" and b"\r" in start[3:5]:
        raise errors.DataError(
            f"{path}: header lines end in CR; a text-mode transfer has damaged the "
            "file, copy it again in binary mode"
        )
    if not start.startswith(b"ply\n"):
        raise errors.DataError(f"{path}: not a PLY file, starts with {start[:8]!r}")
    end = start.find(b"\nend_header\n")
    if end < 0:
        raise errors.DataError(
            f"{path}: no end_header line in the first {len(start)} bytes"
        )
    try:
        lines = start[:end].decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise errors.DataError(f"{path}: the header is not text: {error}") from error
    file.seek(end + len(b"\nend_header\n"))
    return lines


def _parse(path: str | os.PathLike[str], lines: list[str]) -> tuple[int, np.dtype]:
    """Returns the number of vertices and the layout of one."""
    words = [line.split() for line in lines[1:]]
    words = [w for w in words if w and w[0] not in ("comment", "obj_info")]
    if not words or words[0] != _FORMAT:
        found = " ".join(words[0])[:80] if words else "no format line"
        raise errors.DataError(
            f"{path}: found {found!r}, expected {' '.join(_FORMAT)!r}; ASCII and "
            "big-endian files are not read, convert them"
        )
    fields: list[tuple[str, str]] = []
    counts: list[int] = []
    for word in words[1:]:
        match word:
            case ["element", "vertex", digits] if not counts and digits.isdecimal():
                counts.append(int(digits[: _MAX_DIGITS + 1]))
            case ["property", kind, name] if counts and kind in _TYPES:
                fields.append((name, _TYPES[kind]))
            case _:
                raise errors.DataError(
                    f"{path}: header line {' '.join(word)[:80]!r}: expected one "
                    "'element vertex <count>' followed by scalar properties"
                )
    if not counts:
        raise errors.DataError(f"{path}: the header has no 'element vertex' line")
    _check_properties(path, dict(fields), len(fields))
    return counts[0], np.dtype(fields)


def _check_properties(
    path: str | os.PathLike[str], types: dict[str, str], count: int
) -> None:
    """Checks that every property of a Gaussian is there, once, as a float."""
    if len(types) != count:
        raise errors.DataError(f"{path}: a property is named twice")
    missing = [name for name in _REQUIRED if name not in types]
    rest = rest_names(types)
    missing += [name for name in rest if name not in types]
    if missing:
        raise errors.DataError(
            f"{path}: properties missing: {', '.join(missing)}; expected a 3DGS file"
        )
    if len(rest) not in _REST_COUNTS:
        raise errors.DataError(
            f"{path}: found {len(rest)} f_rest properties, expected 0, 9, 24 or 45 "
            "(spherical harmonics of degree 0 to 3)"
        )
    for name in [*_REQUIRED, *rest]:
        if types[name] not in ("<f4", "<f8"):
            raise errors.DataError(f"{path}: property {name} must be float or double")
