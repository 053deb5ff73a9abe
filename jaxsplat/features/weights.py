"""Weights files: safetensors in, checked parameters out.

A file is read whole or not at all. Nothing in it is executed: safetensors is a table of
raw numbers, and a renamed pickle is refused as any other file that is not one.

Precision: float32 and float16 tensors are read, and both become float32, in which the
networks compute. (float16 to float32 is exact.) Any other type is refused.
"""

import dataclasses
import hashlib
import pathlib
from collections.abc import Collection, Mapping

import numpy as np
import safetensors
from jaxtyping import Float

from jaxsplat import errors

BUNDLED = pathlib.Path(__file__).parent / "weights"
_DTYPES = {"F32": "<f4", "F16": "<f2"}
_MAX_BYTES = 1 << 30  # ten times the largest network here; more is another file


@dataclasses.dataclass(frozen=True)
class RawTensor:
    """A tensor as the file holds it.

    Attributes:
        dtype: safetensors' name of the type, such as "F32".
        shape: sizes of the axes.
        data: the numbers, little-endian.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def read_file(path: pathlib.Path) -> bytes:
    """Returns a weights file's bytes.

    Raises:
        DataError: there is no such file, it cannot be read, or it is far too large.
    """
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise errors.DataError(
                f"{path}: {size} bytes; a weights file has at most {_MAX_BYTES}"
            )
        return path.read_bytes()
    except OSError as error:
        raise errors.DataError(
            f"{path}: cannot read the weights file ({error.strerror})"
        ) from error


def check_sha256(data: bytes, expected: str, path: pathlib.Path) -> None:
    """Raises DataError unless a bundled file's bytes are those of the release."""
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise errors.DataError(
            f"{path}: sha256 is {found}, expected {expected}; the file was changed or "
            "cut: install the package again"
        )


def parse(data: bytes, where: str) -> dict[str, RawTensor]:
    """Returns the tensors of a safetensors file by name.

    Args:
        data: the file's bytes.
        where: what to call the file in messages.

    Raises:
        DataError: the bytes are not a complete safetensors file.
    """
    try:
        entries = safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        hint = ""
        if data[:1] == b"\x80" or data[:2] == b"PK":
            hint = "; it looks like a PyTorch file: see `experiments.convert_weights`"
        raise errors.DataError(
            f"{where}: not a complete safetensors file ({error}){hint}"
        ) from error
    return {
        name: RawTensor(entry["dtype"], tuple(entry["shape"]), bytes(entry["data"]))
        for name, entry in entries
    }


def select(
    tensors: Mapping[str, RawTensor],
    shapes: Mapping[str, tuple[int, ...]],
    where: str,
    unused: Collection[str] | None = (),
) -> dict[str, Float[np.ndarray, "..."]]:
    """Returns the tensors that a network needs, as float32 in the file's own layout.

    Args:
        tensors: what the file holds.
        shapes: of the network's parameters in the file's layout, by name.
        where: what to call the file in messages.
        unused: names of further tensors that may be there and are left out; None for
            any name.

    Raises:
        DataError: names the first difference between file and network.
    """
    for name in sorted(shapes.keys() - tensors.keys()):
        raise errors.DataError(f"{where}: tensor {name!r} is missing")
    extra = tensors.keys() - shapes.keys()
    for name in () if unused is None else sorted(extra - set(unused)):
        raise errors.DataError(
            f"{where}: tensor {name!r} is not part of this network; "
            "`python -m experiments.convert_weights` keeps only what is needed"
        )
    return {
        name: _checked(tensors[name], shapes[name], f"{where}: {name}")
        for name in sorted(shapes)
    }


def _checked(
    tensor: RawTensor, shape: tuple[int, ...], where: str
) -> Float[np.ndarray, "..."]:
    if tensor.dtype not in _DTYPES:
        raise errors.DataError(f"{where}: type {tensor.dtype}, expected F32 or F16")
    if tensor.shape != shape:
        raise errors.DataError(f"{where}: shape {tensor.shape}, expected {shape}")
    values = np.frombuffer(tensor.data, _DTYPES[tensor.dtype]).astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise errors.DataError(
            f"{where}: {values[bad[0]]} at flat index {bad[0]}, expected finite numbers"
        )
    if where.endswith("running_var") and values.min() < 0:
        raise errors.DataError(
            f"{where}: {values.min()} as a variance, expected at least 0"
        )
    return values.reshape(shape)
