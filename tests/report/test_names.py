"""File names made from any names are safe and distinct."""

import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsplat.report.names import safe_name, safe_path

HOSTILE = [
    "",
    ".",
    "..",
    "../x",
    "/etc/passwd",
    "a/b",
    "a_b",
    "a b",
    "a\\b",
    "<script>",
    "-rf",
    "x" * 300,
    "x" * 301,
    "🐧",
    "🐦",
    "nul\0",
    "a\nb",
    ".lock",
    "config.json",
    "\udcff",
    "fehler-0123abcd",
]


@pytest.mark.parametrize("name", ["01Penguin", "Burrs", "good", "a_b-c", "_x"])
def test_plain_names_stay(name: str) -> None:
    assert safe_name(name) == name


def test_hostile_names_become_safe_and_stay_distinct() -> None:
    made = [safe_name(name) for name in HOSTILE]
    assert len(set(made)) == len(HOSTILE)
    for name in made:
        assert name.isascii() and len(name) <= 64
        assert not set(name) & set("/\\\0\n .<>")
        assert name[0] != "-"


@given(st.text(), st.text())
def test_distinct_names_have_distinct_safe_names(a: str, b: str) -> None:
    assert (safe_name(a) == safe_name(b)) == (a == b)


def test_paths_keep_folders_and_stay_below() -> None:
    assert str(safe_path("test/Burrs/000.png", ".png")) == "test/Burrs/000.png"
    assert str(safe_path("test/Burrs/000.png", ".npz")) == "test/Burrs/000.npz"
    for name in [*HOSTILE, "/".join("abcdefghijkl"), "a//b", "../../x.png"]:
        path = pathlib.PurePosixPath("root") / safe_path(name, ".png")
        assert ".." not in path.parts and path.parts[0] == "root"


def test_paths_of_files_and_folders_never_meet() -> None:
    names = ["a", "a.png", "a.png/b", "a/b", "a.jpg", "a.jpg.png", "a//b"]
    paths = [safe_path(name, ".png") for name in names]
    assert len(set(paths)) == len(paths)
    assert not any(one in other.parents for one in paths for other in paths)
