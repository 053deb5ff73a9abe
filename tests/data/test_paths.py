"""Names from data stay inside their folder, whatever they are."""

import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxsplat.data import paths
from jaxsplat.errors import DataError

_pieces = st.sampled_from(["..", ".", "/", "\\", "a", "a.png", "C:", "~", "\0", " "])


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(name=st.text() | st.lists(_pieces).map("".join))
def test_inside_or_refused(tmp_path: pathlib.Path, name: str) -> None:
    try:
        found = paths.resolve_inside(tmp_path, name)
    except DataError:
        return
    assert found.is_relative_to(tmp_path.resolve())
    paths.find_image(tmp_path, name)


def test_sibling_with_the_same_beginning_is_outside(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ab").mkdir()
    with pytest.raises(DataError, match="outside"):
        paths.resolve_inside(tmp_path / "a", "../ab/x.png")


def test_root_may_be_a_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/0.png").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    found = paths.find_image(tmp_path / "link", "0.png")
    assert found is not None
    assert paths.relative_name(tmp_path / "link", found) == "0.png"


def test_listing_is_sorted_by_number_and_free_of_junk(tmp_path: pathlib.Path) -> None:
    names = ["10.png", "9.PNG", "1.jpeg", "b2.jpg", "b10.jpg"]
    junk = [".1.png", "2.png~", "3.png.bak", "Thumbs.db", "notes.txt", ".DS_Store"]
    for name in names + junk:
        (tmp_path / name).touch()
    found = [path.name for path in paths.list_images(tmp_path)]
    assert found == ["1.jpeg", "9.PNG", "10.png", "b2.jpg", "b10.jpg"]


@pytest.mark.parametrize(
    ("on_disk", "asked"),
    [
        ("r_0.png", "r_0"),
        ("r_0.JPG", "r_0"),
        ("r_0.JPG", "r_0.jpg"),
        ("007.png", "7.png"),
        ("7.png", "007"),
        ("img.001.png", "img.001"),
    ],
)
def test_repairs(tmp_path: pathlib.Path, on_disk: str, asked: str) -> None:
    (tmp_path / on_disk).touch()
    found = paths.find_image(tmp_path, asked)
    assert found is not None
    assert found.name == on_disk


@pytest.mark.parametrize("asked", ["r_1", "r_0.jpg", "r_0.png.png", "r", "0"])
def test_no_repair_to_another_image(tmp_path: pathlib.Path, asked: str) -> None:
    (tmp_path / "r_0.png").touch()
    assert paths.find_image(tmp_path, asked) is None
