"""Paths that come from data: kept inside their root, repaired where plain."""

import os
import pathlib
import re
from collections.abc import Collection

from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
# Of photographs and masks that are not read.
_OTHER_SUFFIXES = (
    *(".bmp", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".jp2"),
    *(".jxl", ".exr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf"),
)
WRITTEN_SUFFIXES = tuple(
    written for suffix in IMAGE_SUFFIXES for written in (suffix, suffix.upper())
)
_JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "lost+found"})
_BACKUP_SUFFIXES = ("~", ".bak", ".tmp", ".swp", ".orig")


def shown(name: str) -> str:
    """Returns a name from data as short quoted text for a message."""
    return ascii(name) if len(name) <= 120 else f"{ascii(name[:60])}... ({len(name)})"


def resolve_inside(root: pathlib.Path, relative: str) -> pathlib.Path:
    """Returns the real path of a name that data gives relative to `root`.

    Back-slashes count as slashes. The file need not exist.

    Raises:
        DataError: the name is empty, no valid path, or leads out of `root`, be it by
            "..", as an absolute path, or through a link.
    """
    if not relative.strip() or "\0" in relative:
        raise DataError(f"{root}: {shown(relative)} is not a file name")
    try:
        real_root = root.resolve()
        path = (real_root / relative.replace("\\", "/")).resolve()
        os.fsencode(path)
    except (OSError, RuntimeError, UnicodeError):
        raise DataError(f"{root}: {shown(relative)} is not a valid path") from None
    if not path.is_relative_to(real_root):
        raise DataError(
            f"{root}: {shown(relative)} points outside this folder, expected a path "
            "inside it"
        )
    return path


def relative_name(root: pathlib.Path, path: pathlib.Path) -> str:
    """Returns the name of a file below `root`, with forward slashes.

    Raises:
        DataError: the file is a link that leads out of `root`.
    """
    inside = resolve_inside(root, os.path.relpath(path, root))
    return inside.relative_to(root.resolve()).as_posix()


def is_junk(name: str) -> bool:
    """Returns whether a file or folder name is hidden, a backup or system litter."""
    lower = name.lower()
    return (
        lower.startswith(".")
        or lower in _JUNK_NAMES
        or lower.endswith(_BACKUP_SUFFIXES)
    )


def is_image_name(name: str) -> bool:
    """Returns whether a file name has the extension of an image that can be read."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not is_junk(name)


def _by_value(name: str) -> tuple[str | tuple[int, str], ...]:
    """Returns a key that orders 2 before 10 and is equal for `A7` and `a007`."""
    parts = re.split(r"0*([0-9]+)", name.lower())
    return tuple((len(p), p) if i % 2 else p for i, p in enumerate(parts))


def _listing_key(name: str) -> tuple[tuple[str | tuple[int, str], ...], str]:
    return _by_value(name), name


def list_names(folder: pathlib.Path) -> tuple[str, ...]:
    """Returns the names in a folder without junk, 2 before 10.

    Raises:
        DataError: the folder is missing, a file, or cannot be read.
    """
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror}") from error
    return tuple(sorted((n for n in names if not is_junk(n)), key=_listing_key))


def list_images(folder: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Returns the images of a folder by name, junk left out; none if it is missing."""
    if not os.path.isdir(folder):
        return ()
    return tuple(folder / n for n in list_names(folder) if is_image_name(n))


def note_other_images(
    folder: pathlib.Path, notes: Notes, used: Collection[pathlib.Path] = ()
) -> None:
    """Notes images of a folder that no list has, since they are not read.

    Args:
        folder: to look in; it may be missing.
        notes: takes the remark.
        used: real paths of files that are read, whatever their names say.
    """
    if os.path.isdir(folder):
        for name in list_names(folder):
            is_other = name.lower().endswith(_OTHER_SUFFIXES)
            if is_other and (folder / name).resolve() not in used:
                notes.add(
                    "an image that is neither PNG nor JPEG is left out; save it as PNG",
                    f"{folder.name}/{name}",
                )


def list_folders(folder: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Returns the folders in a folder by name, junk left out; none if it is missing."""
    if not os.path.isdir(folder):
        return ()
    return tuple(folder / n for n in list_names(folder) if (folder / n).is_dir())


def check_folder(path: str | os.PathLike[str]) -> pathlib.Path:
    """Returns the path of a folder that exists and holds something.

    Raises:
        DataError: it does not exist, is no folder, is empty, or cannot be read.
    """
    folder = pathlib.Path(path)
    if not os.path.exists(folder):
        raise DataError(f"{folder}: does not exist, expected a folder")
    if not os.path.isdir(folder):
        raise DataError(f"{folder}: is a file, expected a folder")
    if not list_names(folder):
        raise DataError(f"{folder}: is an empty folder")
    return folder


def is_file(path: pathlib.Path) -> bool:
    """Returns whether a regular file is there; an impossible name is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def find_image(root: pathlib.Path, relative: str) -> pathlib.Path | None:
    """Returns the image that a name in data means, or None.

    The exact name counts first. Then the extension may be missing or written in
    another case. Last, letters may be in another case and numbers have other leading
    zeros, because a published script renames `7.png` to `007.png` but leaves the names
    in `transforms.json`.

    Raises:
        DataError: the name leads out of `root` or means more than one file.
    """
    exact = resolve_inside(root, relative)
    if is_file(exact):
        return exact
    suffix = exact.suffix.lower()
    known = suffix in IMAGE_SUFFIXES
    stem = exact.stem if known else exact.name
    wanted = (suffix,) if known else IMAGE_SUFFIXES
    matches = [
        candidate
        for written in WRITTEN_SUFFIXES
        if written.lower() in wanted
        and is_file(candidate := exact.with_name(stem + written))
    ]
    if not matches:
        key = _by_value(stem)
        matches = [
            candidate
            for candidate in list_images(exact.parent)
            if candidate.suffix.lower() in wanted and _by_value(candidate.stem) == key
        ]
    if len({match.name.lower() for match in matches}) > 1:
        names = ", ".join(sorted(match.name for match in matches))
        raise DataError(f"{root}: {shown(relative)} may mean any of {names}")
    if not matches:
        return None
    return resolve_inside(root, os.path.relpath(matches[0], root.resolve()))
