"""Files that are whole or absent: written beside their place, then moved into it."""

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Mapping

import numpy as np

from jaxsplat.errors import DataError, NumericsError


def write_bytes(path: pathlib.Path, data: bytes) -> None:
    """Writes a file atomically: a reader sees the old content or all of the new.

    Args:
        path: where the file shall stand; its folder is made when it is not there.
        data: the whole content.

    Raises:
        OSError: the disk is full or refuses; the file at `path` is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # One process writes to a folder (see `locks`), so a fixed name is free, and what a
    # killed run left under it is overwritten instead of piling up.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes text as UTF-8, atomically; what UTF-8 cannot hold becomes `?`."""
    write_bytes(path, text.encode("utf-8", errors="replace"))


def write_json(path: pathlib.Path, value: object) -> None:
    """Writes a value as indented JSON, atomically; see `dump_json`."""
    write_text(path, dump_json(value, indent=2) + "\n")


def read_json(path: pathlib.Path) -> object:
    """Returns the value in a JSON file that `write_json` wrote.

    Raises:
        DataError: the file cannot be read or holds no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from error


def dump_json(value: object, indent: int | None = None) -> str:
    """Returns JSON that every reader accepts.

    Args:
        value: nested mappings, sequences, dataclasses, NumPy or JAX arrays and scalars,
            paths, text, numbers, None. None becomes null.
        indent: columns per level, or None for one line.

    Raises:
        NumericsError: a number is NaN or infinite; the message names its key.
        TypeError: a value of another kind.
    """
    return json.dumps(plain(value), indent=indent, allow_nan=False)


def plain(value: object, key: str = "value") -> object:
    """Returns the value made of dicts, lists, text, finite numbers, booleans and None.

    Args:
        value: see `dump_json`.
        key: how messages name the value.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, np.ndarray | np.generic) or hasattr(value, "__jax_array__"):
        value = np.asarray(value).tolist()
    elif hasattr(value, "addressable_shards"):
        value = np.asarray(value).tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NumericsError(f"{key}: found {value}, expected a finite number")
        return value
    if isinstance(value, pathlib.PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v, _join(key, k)) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v, f"{key}[{i}]") for i, v in enumerate(value)]
    raise TypeError(f"{key}: {type(value).__name__} has no JSON form")


def _join(key: str, name: object) -> str:
    return str(name) if key == "value" else f"{key}.{name}"


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
