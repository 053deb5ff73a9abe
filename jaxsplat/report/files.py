"""Text, JSON and arrays of a run in files, whole or absent (see `data.atomic`)."""

import dataclasses
import io
import json
import math
import pathlib
import zipfile
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Shaped

from jaxsplat.data import atomic
from jaxsplat.errors import DataError, NumericsError


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes text as UTF-8, atomically; what UTF-8 cannot hold becomes `?`."""
    write_pieces(path, [text])


def write_pieces(path: pathlib.Path, pieces: Iterable[str]) -> None:
    """Writes text as `write_text` does, one piece in memory at a time."""
    with atomic.writer(path) as file:
        for piece in pieces:
            file.write(piece.encode("utf-8", errors="replace"))


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


def write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a compressed NumPy archive, atomically."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    atomic.write_bytes(path, buffer.getvalue())


def read_arrays(path: pathlib.Path) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Returns the arrays that `write_arrays` was given.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        # Read whole: NumPy leaves a damaged archive's file open.
        data = io.BytesIO(path.read_bytes())
        with np.load(data, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: the arrays cannot be read ({error})") from error


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
