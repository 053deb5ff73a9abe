"""A marker board: printed, photographed by a known lens, and its poses found again."""

import dataclasses
import io
import json
import pathlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from jaxsplat.commands import pose_board
from jaxsplat.data import board_poses
from jaxsplat.data.boards import Board
from jaxsplat.errors import ConfigError, DataError
from tests.helpers import board_photos
from tests.helpers.board_photos import HEIGHT, WIDTH, Lens

BOARD = Board(origin_mm=30.0)
BENT = Lens(distortion=(-0.12, 0.05, 0.001, -0.0008))
COUNT = 16


def write(folder: pathlib.Path, photos: dict[str, np.ndarray]) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    for name, photo in photos.items():
        Image.fromarray(photo).save(folder / name)
    return folder


def posed(folder: pathlib.Path, out: pathlib.Path) -> dict[str, Any]:
    """Returns what the command writes of a folder of photographs."""
    config = pose_board.Config(images=str(folder), out=str(out), height_mm=30.0)
    pose_board.main(config)
    return json.loads((out / "transforms.json").read_text())


def camera_from_world(frame: dict[str, Any]) -> np.ndarray:
    """Returns OpenCV's matrix in millimetres of a frame, by its definition alone."""
    matrix = np.array(frame["transform_matrix"])
    right, up, back, eye = matrix[:3].T
    rotation = np.stack([right, -up, -back])
    return np.column_stack([rotation, -rotation @ (1000 * eye)])


def errors(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Returns rotation in degrees, and position as a share of the distance."""
    apart = found[:3, :3] @ true[:3, :3].T
    turned = np.degrees(np.linalg.norm(cv2.Rodrigues(apart)[0]))
    eyes = [-m[:3, :3].T @ m[:3, 3] for m in (found, true)]
    return float(turned), float(
        np.linalg.norm(eyes[0] - eyes[1]) / np.linalg.norm(eyes[1])
    )


@pytest.fixture(scope="module")
def true_poses() -> dict[str, np.ndarray]:
    poses = board_photos.poses_around(COUNT)
    return {f"IMG {i} ä.png": pose for i, pose in enumerate(poses)}


@pytest.fixture(scope="module")
def photos(true_poses: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: board_photos.photograph(BOARD, p) for n, p in true_poses.items()}


def with_object(photo: np.ndarray) -> np.ndarray:
    """Returns the photograph with a disc over the middle third of its sides."""
    covered = photo.copy()
    cv2.circle(covered, (WIDTH // 2, HEIGHT // 2), HEIGHT // 6, 90, -1)
    return covered


@pytest.mark.parametrize("kind", ["straight", "bent", "covered"])
def test_lens_and_poses_of_rendered_photographs_are_found(
    kind: str,
    photos: dict[str, np.ndarray],
    true_poses: dict[str, np.ndarray],
    tmp_path: pathlib.Path,
) -> None:
    if kind == "bent":
        photos = {
            n: board_photos.photograph(BOARD, p, BENT) for n, p in true_poses.items()
        }
    if kind == "covered":
        photos = {name: with_object(photo) for name, photo in photos.items()}
    folder = write(tmp_path / "photos", photos)
    record = posed(folder, tmp_path / "set")
    assert record["camera_model"] == "OPENCV" and record["unit"] == "metre"
    assert (record["w"], record["h"]) == (WIDTH, HEIGHT)
    assert record["fl_x"] == record["fl_y"]
    assert record["fl_x"] == pytest.approx(board_photos.FOCAL, rel=0.005)
    center = record["cx"], record["cy"]
    np.testing.assert_allclose(center, board_photos.CENTER, atol=1.0)
    bent = BENT.distortion if kind == "bent" else (0.0, 0.0, 0.0, 0.0)
    found = [record[key] for key in ("k1", "k2", "p1", "p2")]
    assert (np.abs(np.subtract(found, bent)) < (0.01, 0.06, 0.001, 0.001)).all()
    assert len(record["frames"]) == COUNT
    for frame in record["frames"]:
        name = frame["file_path"].removeprefix("train/good/")
        degrees, share = errors(camera_from_world(frame), true_poses[name])
        assert degrees < 0.1 and share < 0.002
        copied = tmp_path / "set" / frame["file_path"]
        assert copied.read_bytes() == (folder / name).read_bytes()


def test_photographs_that_do_not_fit_are_left_out_and_named(
    photos: dict[str, np.ndarray],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = dict(photos)
    names = list(wrong)
    wrong["empty.png"] = np.full((HEIGHT, WIDTH), 150, np.uint8)
    wrong["small.png"] = cv2.resize(photos[names[0]], (320, 240))
    # A zoomed photograph has another lens: the middle, enlarged.
    middle = photos[names[1]][HEIGHT // 6 : -HEIGHT // 6, WIDTH // 6 : -WIDTH // 6]
    wrong["zoomed.png"] = cv2.resize(middle, (WIDTH, HEIGHT))
    folder = write(tmp_path / "photos", wrong)
    (folder / "cut.jpg").write_bytes(b"\xff\xd8half a file")
    record = posed(folder, tmp_path / "set")
    assert {f["file_path"].split("/")[-1] for f in record["frames"]} == set(photos)
    out, err = capsys.readouterr()
    assert "empty.png: left out: the board is not seen" in err
    assert "small.png: left out: 320x240 pixels, the others have 640x480" in err
    assert "zoomed.png: left out: its corners are" in err
    assert "cut.jpg: left out: is cut off" in err
    assert f"{COUNT} of {COUNT + 4} photographs posed" in out


def test_too_few_are_one_line(
    photos: dict[str, np.ndarray], tmp_path: pathlib.Path
) -> None:
    few = dict(list(photos.items())[:7])
    few["x.png"] = few["y.png"] = np.zeros((HEIGHT, WIDTH), np.uint8)
    folder = write(tmp_path / "photos", few)
    told = r"poses of 7 photographs; expected 8 .*the board is not seen: x.png and 1"
    with pytest.raises(DataError, match=told):
        posed(folder, tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_camera_that_does_not_move_is_one_line(
    photos: dict[str, np.ndarray], tmp_path: pathlib.Path
) -> None:
    still = {f"{i}.png": next(iter(photos.values())) for i in range(9)}
    with pytest.raises(DataError, match="the same place in all photographs; take them"):
        posed(write(tmp_path / "photos", still), tmp_path / "set")


def test_photographs_from_one_side_tell_no_lens() -> None:
    above = np.diag([1.0, -1.0, -1.0, 1.0])
    sightings = {}
    for index in range(10):
        pose = above.copy()
        pose[:3, 3] = 8 * (index % 3) - 8, 8 * (index // 3) - 8, 400 + 4 * index
        found = BOARD.find(board_photos.photograph(BOARD, pose))
        assert found is not None
        sightings[str(index)] = found
    with pytest.raises(DataError, match="from nearly one side, which tells no lens"):
        board_poses.solve(sightings, WIDTH, HEIGHT)


def test_another_board_is_refused(
    photos: dict[str, np.ndarray], tmp_path: pathlib.Path
) -> None:
    folder = write(tmp_path / "photos", photos)
    config = pose_board.Config(images=str(folder), out=str(tmp_path / "o"), columns=9)
    with pytest.raises(DataError):
        pose_board.main(config)


def test_the_page_says_its_size_and_its_board_is_found(tmp_path: pathlib.Path) -> None:
    board = Board(columns=6, rows=5, square_mm=20.0)
    target = tmp_path / "page.png"
    pose_board.main(
        pose_board.Config(print=str(target), columns=6, rows=5, square_mm=20.0)
    )
    page = Image.open(io.BytesIO(target.read_bytes()))
    found = board.find(np.asarray(page))
    assert found is not None and len(found.ids) == 5 * 4
    dots_per_mm = page.info["dpi"][0] / 25.4
    apart = found.pixels[1] - found.pixels[0]
    np.testing.assert_allclose(apart, (20 * dots_per_mm, 0), atol=0.1)
    np.testing.assert_allclose(found.points[0], (-40, 30, 0))
    # Its text is below the board.
    edge = found.pixels[:, 1].max() + 20 * dots_per_mm
    assert (np.asarray(page)[int(edge) + 2 :] < 100).any()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "print: expected a file"),
        ({"images": "a"}, "images, out: expected both"),
        ({"print": "a.pdf"}, "expected a .png"),
        ({"print": "a.png", "rows": 30}, "at most 200 squares"),
        ({"print": "a.png", "square_mm": 0.0}, "a length above 0"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        pose_board.Config(**settings)


def test_nothing_is_written_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is there and holds something"):
        posed(tmp_path, tmp_path / "set")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="is an empty folder"):
        posed(tmp_path / "none", tmp_path / "new")
    with pytest.raises(DataError, match="holds no photograph"):
        posed(tmp_path / "set", tmp_path / "new")


def test_numbers_on_the_board_are_sorted_whatever_opencv_returns() -> None:
    photo = board_photos.photograph(BOARD, board_photos.poses_around(3)[1])
    found = BOARD.find(photo)
    assert found is not None
    assert (np.diff(found.ids) > 0).all()
    assert dataclasses.replace(BOARD, origin_mm=0.0).corners()[:, 2].max() == 0
