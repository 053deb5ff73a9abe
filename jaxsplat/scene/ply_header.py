"""Headers of PLY files: which elements follow, and what a row of each holds."""

import dataclasses
import os
import re
from collections.abc import Collection
from typing import BinaryIO

import numpy as np

from jaxsplat import errors

_MAX_BYTES = 1 << 16  # the header of degree 3 has about 1500
_MAX_DIGITS = 18  # of a count, so that it fits in 64 bits
_FIRST_LINE = re.compile(rb"ply[ \t]*(\r\n|\n|\r)")
_LAST_LINE = re.compile(rb"^end_header[ \t]*\r?\n", re.MULTILINE)
_BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">", "ascii": ""}
_TYPES = {
    **dict.fromkeys(["char", "int8"], "i1"),
    **dict.fromkeys(["uchar", "uint8"], "u1"),
    **dict.fromkeys(["short", "int16"], "i2"),
    **dict.fromkeys(["ushort", "uint16"], "u2"),
    **dict.fromkeys(["int", "int32"], "i4"),
    **dict.fromkeys(["uint", "uint32"], "u4"),
    **dict.fromkeys(["float", "float32"], "f4"),
    **dict.fromkeys(["double", "float64"], "f8"),
}
_NAMES = {"u1": "uchar", "u4": "uint", "f4": "float"}


@dataclasses.dataclass
class Element:
    """A table of the file.

    Attributes:
        name: "vertex" and the like.
        count: its rows.
        fields: name and NumPy type of each scalar property, in order, as in "f4".
        list_fields: types of the lengths of list properties.
    """

    name: str
    count: int
    fields: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    list_fields: list[str] = dataclasses.field(default_factory=list)

    @property
    def is_fixed(self) -> bool:
        """Whether the size of the table is known without reading it."""
        return not self.list_fields or self.count == 0


@dataclasses.dataclass(frozen=True)
class Header:
    """What the header says.

    Attributes:
        elements: the tables by name, in the order of the file.
        byte_order: "<" or ">", and "" of a file whose numbers are text.
        has_crlf: lines end in CR LF.
        comments: what the comment lines say.
    """

    elements: dict[str, Element]
    byte_order: str
    has_crlf: bool
    comments: list[str]


def encode(elements: Collection[Element]) -> bytes:
    """Returns the header of a binary little-endian file."""
    lines = ["ply", "format binary_little_endian 1.0"]
    for element in elements:
        lines.append(f"element {element.name} {element.count}")
        lines += [f"property {_NAMES[kind]} {name}" for name, kind in element.fields]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def read(path: str | os.PathLike[str], file: BinaryIO) -> Header:
    """Returns the header.

    Args:
        path: name of the file, for messages.
        file: the file at its start; it is left at the first byte after the header.

    Raises:
        DataError: it is not the header of a PLY file.
    """
    start = file.read(_MAX_BYTES)
    first = _FIRST_LINE.match(start)
    if first is None:
        raise errors.DataError(f"{path}: not a PLY file, starts with {start[:8]!r}")
    if first[1] == b"\r":
        raise errors.DataError(
            f"{path}: header lines end in CR; a text-mode transfer has damaged the "
            "file, copy it again in binary mode"
        )
    last = _LAST_LINE.search(start)
    if last is None:
        raise errors.DataError(
            f"{path}: no end_header line in the first {len(start)} bytes; the file is "
            "cut or damaged"
        )
    # Programs write comments in any encoding; what counts is ASCII.
    lines = start[: last.start()].decode("ascii", "replace").split("\n")
    file.seek(last.end())
    words = [line.split() for line in lines[1:]]
    comments = [" ".join(w[1:]) for w in words if w[:1] == ["comment"]]
    words = [w for w in words if w and w[0] not in ("comment", "obj_info")]
    return Header(
        byte_order=_byte_order(path, words),
        elements=_elements(path, words[1:]),
        has_crlf=first[1] == b"\r\n",
        comments=comments,
    )


def _byte_order(path: str | os.PathLike[str], words: list[list[str]]) -> str:
    match words[:1]:
        case [["format", kind, "1.0"]] if kind in _BYTE_ORDERS:
            return _BYTE_ORDERS[kind]
    found = repr(" ".join(words[0])[:80]) if words else "no format line"
    raise errors.DataError(
        f"{path}: found {found}, expected 'format binary_little_endian 1.0' (or "
        "binary_big_endian, ascii)"
    )


def _elements(
    path: str | os.PathLike[str], words: list[list[str]]
) -> dict[str, Element]:
    elements: list[Element] = []
    for word in words:
        match word:
            case ["element", name, digits] if digits.isdecimal():
                elements.append(Element(name, int(digits[: _MAX_DIGITS + 1])))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].fields.append((name, _TYPES[kind]))
            case ["property", "list", length, kind, _] if (
                elements and kind in _TYPES and length in _TYPES
            ):
                elements[-1].list_fields.append(_TYPES[length])
            case _:
                raise errors.DataError(
                    f"{path}: header line {' '.join(word)[:80]!r}: expected 'element "
                    "<name> <count>' followed by 'property <type> <name>' lines"
                )
    by_name = {element.name: element for element in elements}
    if "vertex" not in by_name:
        raise errors.DataError(f"{path}: the header has no 'element vertex' line")
    if len(by_name) != len(elements):
        raise errors.DataError(f"{path}: the header names an element twice")
    return by_name


def row_size(element: Element, is_text: bool) -> int:
    """Returns the least size of a row, in bytes, or in words of text."""
    kinds = [kind for _, kind in element.fields] + element.list_fields
    return len(kinds) if is_text else sum(np.dtype(kind).itemsize for kind in kinds)


def layout(path: str | os.PathLike[str], header: Header, element: Element) -> np.dtype:
    """Returns the type of a row, in which all numbers of a text are float64.

    Raises:
        DataError: a row holds lists, or two properties of one name.
    """
    if element.list_fields:
        raise errors.DataError(
            f"{path}: element {element.name} has list properties, expected scalars"
        )
    names = [name for name, _ in element.fields]
    if len(set(names)) != len(names):
        raise errors.DataError(f"{path}: a property of {element.name} is named twice")
    order = header.byte_order
    return np.dtype([(n, order + k if order else "f8") for n, k in element.fields])
