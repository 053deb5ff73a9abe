"""Images that a data set names, wherever the computer stood that wrote the names."""

import os
import pathlib
import posixpath
import re

from jaxsplat.data import paths
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

_DRIVE = re.compile(r"^[A-Za-z]:")
_REMARK = "a path that leads out of the folder is found by its end"


def find_listed(
    root: pathlib.Path, name: str, folders: tuple[str, ...], place: str, notes: Notes
) -> pathlib.Path | None:
    """Returns the image that a name in data means, or None.

    A name that leads out of the object's folder (an absolute one, one with a drive, one
    that begins with "..") is not followed: the longest end of it that exists below the
    folder is taken instead, with a remark.

    Args:
        root: the object's folder.
        name: as written, relative to `root` or to one of `folders`.
        folders: folders below `root` to look in, after `root` itself.
        place: where the name stands, for messages.
        notes: takes the remark.

    Raises:
        DataError: the name is no path, means more than one file, is a link that leads
            out of `root`, or leads out of it and no end of it exists below.
    """
    try:
        if not _leads_out(root, name):
            return _find_in(root, name, folders)
        for end in _ends(name):
            found = _find_in(root, end, folders)
            if found is not None:
                notes.add(_REMARK, name)
                return found
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
    raise DataError(
        f"{place}: found {paths.shown(name)}, which points outside this folder, and no "
        f"end of it is an image inside; expected a path relative to {root}"
    )


def _find_in(
    root: pathlib.Path, name: str, folders: tuple[str, ...]
) -> pathlib.Path | None:
    for folder in ("", *folders):
        found = paths.find_image(root, f"{folder}/{name}" if folder else name)
        if found is not None:
            return found
    return None


def _leads_out(root: pathlib.Path, name: str) -> bool:
    """Returns whether a name, as text, leads out of the folder."""
    plain = posixpath.normpath(name.replace("\\", "/"))
    if plain.startswith("/"):
        return not plain.startswith(f"{os.path.realpath(root)}/")
    return plain.split("/")[0] == ".." or bool(_DRIVE.match(plain))


def _ends(name: str) -> tuple[str, ...]:
    """Returns the ends of a path that could stand below a folder, the longest first."""
    plain = posixpath.normpath(_DRIVE.sub("", name.replace("\\", "/")))
    parts = [part for part in plain.split("/") if part not in ("", "..", ".")]
    return tuple("/".join(parts[i:]) for i in range(len(parts)))
