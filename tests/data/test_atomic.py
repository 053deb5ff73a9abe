"""Files are whole or absent."""

import os
import pathlib

import pytest

from jaxsplat.data import atomic


def test_write_replaces_and_leaves_nothing_else(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new" / "a.bin"
    atomic.write_bytes(path, b"one, the longer")
    atomic.write_bytes(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["a.bin"]


def test_a_failed_write_keeps_the_old_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    atomic.write_bytes(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.bin"]
