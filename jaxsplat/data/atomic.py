"""Files that are whole or absent: written beside their place, then moved into it."""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator
from typing import BinaryIO

# Name of what is not finished yet: that of the file, and the process's number.
_TEMPORARY = re.compile(r"\..+\.\d+\.tmp")


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file atomically: a reader sees the old content or all of the new.

    Args:
        path: where the file shall stand; its folder is made when it is not there.
        data: the whole content.

    Raises:
        OSError: the disk is full or refuses; the file at `path` is then untouched.
    """
    with writer(path) as file:
        file.write(data)


@contextlib.contextmanager
def writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a file to be written piece by piece, atomically as `write_bytes` does.

    The file stands at `path` once the block is left; an error in the block leaves what
    was there untouched.

    Args:
        path: where the file shall stand; its folder is made when it is not there.

    Raises:
        OSError: the disk is full or refuses.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def unfinished(folder: pathlib.Path, *, deep: bool) -> list[pathlib.Path]:
    """Returns what processes that were killed while they wrote left in a folder.

    Args:
        folder: which no other process writes to now.
        deep: whether to look into the folders below it too.
    """
    found = folder.rglob(".*.tmp") if deep else folder.glob(".*.tmp")
    return [path for path in found if _TEMPORARY.fullmatch(path.name)]


def _sync_folder(folder: pathlib.Path) -> None:
    # Makes the rename itself survive a power cut; some file systems refuse, and then
    # there is nothing more to do.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
