"""Pictures of where the object was found: chosen, drawn, kept, laid on a sheet."""

import pathlib

import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.errors import DataError
from jaxsplat.report import figures, foreground
from jaxsplat.scene.found import ALPHA, PLAIN, Foreground

HEIGHT, WIDTH = 60, 80


def found(count: int, *disagreeing: int) -> tuple[list[View], Foreground]:
    """Returns grey views, and an object at their middle that some disagree about."""
    image = np.full((HEIGHT, WIDTH, 3), 0.8, np.float32)
    views = [View(f"train/{i:02}.png", image) for i in range(count)]
    coverage = np.zeros((count, HEIGHT, WIDTH), np.float32)
    coverage[:, 20:40, 30:50] = 1
    names = tuple(views[i].name for i in disagreeing)
    return views, Foreground(PLAIN, 0.968, coverage, names)


def test_some_views_are_shown_evenly_and_the_two_that_disagree_most() -> None:
    shown = foreground.show(*found(60, 33, 1, 50))
    indices = [int(name[6:8]) for name in shown.names]
    assert indices == [1, 5, 15, 25, 33, 35, 45, 55]
    assert shown.disagreeing == ("train/33.png", "train/01.png", "train/50.png")
    assert shown.told == (
        "the object is found by the plain background of the training views; "
        "silhouettes agree in 97 %"
    )
    assert len(foreground.show(*found(3, 1)).names) == 3


def test_the_object_is_bright_outlined_and_all_else_is_dimmed() -> None:
    views, where = found(1)
    (picture,) = foreground.show(views, where).pictures
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture[30, 40].tolist() == [204, 204, 204]
    assert picture[5, 5].max() < 100
    for edge in (picture[20, 40], picture[39, 40], picture[30, 30], picture[30, 49]):
        assert edge[0] > edge[1] + 100


def test_an_outline_surrounds_holes_too() -> None:
    ring = np.zeros((40, 40), np.float32)
    ring[5:35, 5:35] = 1
    ring[15:25, 15:25] = 0
    picture = figures.spotlight(np.zeros((40, 40, 3), np.uint8), ring)
    lines = np.flatnonzero(picture[20].max(axis=1) > 100)
    np.testing.assert_array_equal(lines, [5, 14, 25, 34])


def test_a_cut_out_lies_on_white_and_is_made_small() -> None:
    alpha = np.zeros((300, 400), np.float32)
    alpha[100:200, 150:250] = 1
    view = View("a.png", np.zeros((300, 400, 3), np.float32), alpha=alpha)
    shown = foreground.show([view], Foreground(ALPHA, 1.0, alpha[None]))
    (picture,) = shown.pictures
    assert picture.shape == (120, 160, 3)
    assert picture[60, 80].tolist() == [0, 0, 0]
    assert picture[5, 5].min() > 100


def test_what_is_kept_comes_back_and_older_runs_have_none(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "foreground.npz"
    assert foreground.read(path) is None
    for shown in (foreground.show(*found(9, 4)), foreground.show(*found(2))):
        foreground.write(path, shown)
        again = foreground.read(path)
        assert again is not None
        assert (again.told, again.names) == (shown.told, shown.names)
        assert again.disagreeing == shown.disagreeing
        np.testing.assert_array_equal(again.pictures, shown.pictures)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"foreground\.npz: the arrays cannot be read"):
        foreground.read(path)


def test_a_sheet_holds_every_picture_with_its_name() -> None:
    shown = foreground.show(*found(20, 2))
    sheet = foreground.contact_sheet(shown)
    # Four in a row, each of 160 pixels at least, for its name.
    assert sheet.shape == (2 * (HEIGHT + 40) + 8, 4 * 168 + 8, 3)
    for index, picture in enumerate(shown.pictures):
        top, left = 8 + index // 4 * (HEIGHT + 40), 8 + index % 4 * 168
        cell = sheet[top : top + HEIGHT + 32, left : left + 160]
        np.testing.assert_array_equal(cell[:HEIGHT, :WIDTH], picture)
        name, remark = cell[HEIGHT : HEIGHT + 16], cell[HEIGHT + 16 :]
        assert name.min() < 150
        assert (remark.min() < 150) == (shown.names[index] in shown.disagreeing)


def test_a_long_name_keeps_its_end_inside_its_picture() -> None:
    image = np.full((HEIGHT, 160, 3), 0.8, np.float32)
    coverage = np.ones((2, HEIGHT, 160), np.float32)
    views = [View("folder/" * 20 + "0.png", image), View("b.png", image)]
    sheet = foreground.contact_sheet(
        foreground.show(views, Foreground(PLAIN, 1.0, coverage))
    )
    name = sheet[8 + HEIGHT : 8 + HEIGHT + 16]
    assert name[:, 100:168].min() < 150
    assert (name[:, 168:176] == 255).all()
