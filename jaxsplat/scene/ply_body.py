"""Tables of PLY files, read only when the file holds all that its header promises."""

import os
from collections.abc import Collection
from typing import BinaryIO

import numpy as np

from jaxsplat import errors
from jaxsplat.scene import ply_header
from jaxsplat.scene.ply_header import Header


def read(
    path: str | os.PathLike[str],
    file: BinaryIO,
    header: Header,
    names: Collection[str],
) -> dict[str, np.ndarray]:
    """Returns structured arrays of the elements of these names; others are skipped.

    Args:
        path: name of the file, for messages.
        file: at the first byte after the header.
        header: of this file.
        names: of the elements.

    Raises:
        DataError: the file is cut or damaged, or a wanted element stands behind one
            whose size is not known.
        OSError: the file cannot be read.
    """
    is_text = not header.byte_order
    layouts = {
        name: ply_header.layout(path, header, element)
        for name, element in header.elements.items()
        if name in names
    }
    words: list[bytes] = file.read().split() if is_text else []
    found = len(words) if is_text else _bytes_left(file)
    _check_size(path, header, found)
    tables: dict[str, np.ndarray] = {}
    start = 0 if is_text else file.tell()
    for element in header.elements.values():
        size = element.count * ply_header.row_size(element, is_text)
        if element.name in names:
            layout = layouts[element.name]
            if is_text:
                values = _numbers(path, words[start : start + size])
                rows = values.view(layout)
            else:
                file.seek(start)
                rows = np.fromfile(file, layout, element.count)
            if len(rows) != element.count:
                raise errors.DataError(f"{path}: became shorter while it was read")
            tables[element.name] = rows
        elif not element.is_fixed:
            missing = sorted(header.elements.keys() & set(names))
            if missing != sorted(tables):
                raise errors.DataError(
                    f"{path}: element {element.name} holds lists and stands before "
                    "the splats; export the file without it"
                )
            break
        start += size
    return tables


def _bytes_left(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size - file.tell()


def _check_size(path: str | os.PathLike[str], header: Header, found: int) -> None:
    """Checks that so many bytes (words of a text) can be what the header promises."""
    is_text = not header.byte_order
    elements = header.elements.values()
    sizes = [ply_header.row_size(element, is_text) for element in elements]
    promised = sum(e.count * size for e, size in zip(elements, sizes))
    is_exact = all(element.is_fixed for element in elements)
    is_whole = found == promised if is_exact else found >= promised
    if header.has_crlf and not is_text and not (is_exact and is_whole):
        raise errors.DataError(
            f"{path}: header lines end in CR LF and {found} bytes follow where "
            f"{promised} are expected; a text-mode transfer has damaged the file, copy "
            "it again in binary mode"
        )
    if not is_whole:
        unit = "numbers" if is_text else "bytes"
        parts = [
            f"{e.count} rows of {size} {unit} ({e.name})"
            for e, size in zip(elements, sizes)
        ][:3]
        raise errors.DataError(
            f"{path}: the header promises {', '.join(parts)}, {promised} in all, but "
            f"{found} follow it; the file is cut or damaged"
        )


def _numbers(path: str | os.PathLike[str], words: list[bytes]) -> np.ndarray:
    try:
        return np.array([float(word) for word in words], np.float64)
    except ValueError as error:
        raise errors.DataError(f"{path}: holds a word that is no number") from error
