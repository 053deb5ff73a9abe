"""Data from which nothing can be learnt: one line says why, and nothing is fitted."""

import pathlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image

from jaxsplat import fitting
from jaxsplat.commands import fit, flags
from tests.helpers import datasets, faults

SIDE, VIEWS = 48, 16
Photograph = Callable[[int], np.ndarray]


def _object() -> np.ndarray:
    """Returns where the photographs show the object: a disc in each."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return (x * x + y * y < 100)[..., None]


def _of_one_color(index: int) -> np.ndarray:
    return np.zeros((SIDE, SIDE, 3))


def _near_black_on_black(index: int) -> np.ndarray:
    rng = np.random.default_rng(index)
    return np.where(_object(), rng.integers(0, 4, (SIDE, SIDE, 3)), 0)


def _clutter_alone(index: int) -> np.ndarray:
    rng = np.random.default_rng(index)
    coarse = rng.uniform(0, 255, (9, 9, 3)).astype(np.float32)
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def _plain(index: int) -> np.ndarray:
    return np.where(_object(), (120, 40, 40), 225)


def _upright(root: pathlib.Path) -> None:
    for path in (root / "train/good").glob("*.png"):
        with Image.open(path) as image:
            wide = np.asarray(image)[: SIDE // 2]
        datasets.save(path, wide)
    faults.turned_by_exif(root)
    faults.top(w=SIDE // 2, h=SIDE)(root)


def _nothing(root: pathlib.Path) -> None:
    """Leaves the files as they are."""


@pytest.mark.parametrize(
    ("photograph", "fault", "words"),
    [
        (_of_one_color, _nothing, ("the training views show nothing", "of one colour")),
        (
            _near_black_on_black,
            _nothing,
            ("the object cannot be told from the background", "another colour, or"),
        ),
        (
            _clutter_alone,
            _nothing,
            ("the background is not plain", "give masks (a masks folder), or"),
        ),
        (_plain, faults.inverted, ("world-to-camera", "invert each matrix")),
        (_plain, faults.as_turntable, ("the cameras do not move", "turntable")),
        (_plain, _upright, ("EXIF orientation", "save the images upright")),
    ],
)
def test_it_is_refused_in_one_line(
    photograph: Photograph,
    fault: faults.Break,
    words: tuple[str, ...],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = datasets.write_mad(tmp_path / "part", views=VIEWS, width=SIDE, height=SIDE)
    for index, path in enumerate(sorted(root.glob("t*/*/*.png"))):
        datasets.save(path, photograph(index).astype(np.uint8))
    fault(root)
    monkeypatch.delattr(fitting, "fit")
    with pytest.raises(SystemExit) as ended:
        argv = ["fit", f"--data_dir={root}", f"--out={tmp_path / 'out'}"]
        flags.run(fit.main, fit.Config, argv)
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert line.startswith(f"error: {root}")
    for each in words:
        assert each in line
    assert out == "" and not (tmp_path / "out" / "detector.json").exists()
