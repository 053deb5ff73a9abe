"""Readers of users' files: any bytes are read or refused, in little memory.

Files are good ones that were cut, changed, mixed, or noise after a good beginning.
"""

import io
import pathlib
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from jaxsplat import data
from jaxsplat.data import (
    colmap_binary,
    colmap_text,
    decoding,
    images,
    json_reading,
    llff,
)
from jaxsplat.data.notes import Notes
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.features import weights
from jaxsplat.scene import splats
from tests.helpers import clouds, datasets, faults

# More than any of these files may take, and less than what their headers can claim.
_MOST_BYTES = 300 * 2**20
_SETTINGS = settings(
    deadline=None,
    max_examples=25,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Reader = Callable[[pathlib.Path, bytes], Any]


def _encoded(kind: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.fromarray(datasets.picture(1)).convert(mode).save(file, kind)
    return file.getvalue()


def _splats(name: str) -> Callable[[pathlib.Path], bytes]:
    def write(folder: pathlib.Path) -> bytes:
        splats.write_splats(folder / name, clouds.cloud(3))
        return (folder / name).read_bytes()

    return write


def _colmap(name: str, binary: bool) -> Callable[[pathlib.Path], bytes]:
    def write(folder: pathlib.Path) -> bytes:
        root = datasets.write_colmap(folder / "colmap", binary=binary, views=3)
        return (root / "sparse/0" / name).read_bytes()

    return write


def _rows(folder: pathlib.Path) -> bytes:
    root = datasets.write_llff(folder / "llff")
    return (root / "poses_bounds.npy").read_bytes()


def _at(name: str, read: Callable[[pathlib.Path], Any]) -> Reader:
    """Returns a reader of a file by its path."""

    def apply(folder: pathlib.Path, content: bytes) -> Any:
        (folder / name).write_bytes(content)
        return read(folder / name)

    return apply


# What is read, the reader, and a good file or how to write one.
READERS: dict[str, tuple[Reader, bytes | Callable[[pathlib.Path], bytes]]] = {
    "PNG": (lambda _, found: decoding.decode(found, "x"), _encoded("PNG", "RGBA")),
    "JPEG": (lambda _, found: decoding.decode(found, "x"), _encoded("JPEG")),
    "mask": (_at("mask.png", images.read_mask), _encoded("PNG", "P")),
    "coverage": (_at("soft.png", images.read_coverage), _encoded("PNG", "LA")),
    "JSON": (
        _at("a.json", json_reading.read_json),
        b'{"w": 20, "frames": [{"file_path": "a", "m": [[1e0, -2.5]]}, null, true]}',
    ),
    "PLY": (_at("a.ply", splats.read_splats), _splats("b.ply")),
    "compressed PLY": (
        _at("a.compressed.ply", splats.read_splats),
        _splats("b.compressed.ply"),
    ),
    "splat": (_at("a.splat", splats.read_splats), _splats("b.splat")),
    "safetensors": (
        lambda _, found: weights.parse(found, "x"),
        safetensors.numpy.save({"a": np.ones((2, 3), np.float32), "b": np.zeros(1)}),
    ),
    "COLMAP cameras, binary": (
        lambda _, found: colmap_binary.read_cameras(found, "x"),
        _colmap("cameras.bin", True),
    ),
    "COLMAP images, binary": (
        lambda _, found: colmap_binary.read_images(found, "x"),
        _colmap("images.bin", True),
    ),
    "COLMAP cameras, text": (
        lambda _, found: colmap_text.read_cameras(found, "x"),
        _colmap("cameras.txt", False),
    ),
    "COLMAP images, text": (
        lambda _, found: colmap_text.read_images(found, "x"),
        _colmap("images.txt", False),
    ),
    "LLFF": (
        _at(
            "poses_bounds.npy",
            lambda path: llff.read_rows(path.parent, path.name, Notes()),
        ),
        _rows,
    ),
}


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Returns a file that may be good for some way."""
    content = bytearray(good)
    how = draw(st.sampled_from(["cut", "change", "mix", "noise", "number"]))
    at = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        return bytes(content[:at])
    if how == "change":
        for _ in range(draw(st.integers(1, 4))):
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    elif how == "mix":
        other = draw(st.integers(0, len(content) - 1))
        return bytes(content[:at] + content[other:])
    elif how == "noise":
        return bytes(content[:at] + draw(st.binary(max_size=64)))
    else:
        # Counts and sizes that lie, in binary or in digits.
        code = draw(st.sampled_from(["<Q", "<I", ">I", "digits"]))
        number = draw(st.sampled_from([0, 1, 10**9, 2**31 - 1, 2**32 - 1, 2**63 - 1]))
        if code == "digits":
            return bytes(content).replace(b"3", str(number).encode(), 1)
        size = struct.calcsize(code)
        packed = struct.pack(code, number % 2 ** (8 * size))
        content[at : at + size] = packed
    return bytes(content)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fails where a test's highest memory is far above that before it."""
    status, reset = pathlib.Path("/proc/self/status"), "/proc/self/clear_refs"
    try:
        pathlib.Path(reset).write_text("5")
    except OSError:
        pytest.skip("the highest memory cannot be set back here")

    def peak() -> int:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return 1024 * int(lines["VmHWM"].split()[0])

    before = peak()
    yield
    assert peak() - before < _MOST_BYTES


@pytest.mark.parametrize("kind", READERS)
def test_any_file_is_read_or_refused(
    tmp_path: pathlib.Path, little_memory: None, kind: str
) -> None:
    read, good = READERS[kind]
    content = good if isinstance(good, bytes) else good(tmp_path)
    # The good file is one.
    read(tmp_path, content)

    @_SETTINGS
    @given(damaged(content))
    def check(found: bytes) -> None:
        try:
            read(tmp_path, found)
        except (DataError, ConfigError) as error:
            assert str(error) and "\n" not in str(error)

    check()


def test_any_size_in_a_header_takes_no_memory(little_memory: None) -> None:
    @_SETTINGS
    @given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
    def check(width: int, height: int) -> None:
        try:
            decoding.decode(faults.png_of_size(width, height), "x")
        except DataError:
            return
        # What the file holds is enough.
        assert 0 < width * height <= 48_000

    check()
    with pytest.raises(DataError, match="expected at most"):
        decoding.decode(faults.png_of_size(2**31 - 1, 2**31 - 1), "x")


def test_any_transforms_file_is_an_object_or_refused(
    tmp_path: pathlib.Path, little_memory: None
) -> None:
    root = datasets.write_mad(tmp_path / "01Brick", views=2)
    content = (root / "transforms.json").read_bytes()

    @_SETTINGS
    @given(damaged(content))
    def check(found: bytes) -> None:
        (root / "transforms.json").write_bytes(found)
        try:
            data.load_object(root)
        except (DataError, ConfigError) as error:
            assert str(root) in str(error)

    check()
