"""Whole fits of photographs as cameras take them, against those of clean ones."""

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import jaxsplat
from jaxsplat import data, metrics
from jaxsplat.commands import verdicts
from jaxsplat.fitting import Stage
from jaxsplat.methods import Detector
from jaxsplat.pose import TRUSTED, Outcome
from tests.helpers import datasets
from tests.helpers.small_fit import SMALL_FIT

pytestmark = pytest.mark.slow

SOURCE = jaxsplat.sample_dir() / "01Penguin"
# Half of the bundled sample at half of its size, in twice the detail of `SMALL_FIT`.
SIDE, EVERY = 96, 2
CONFIG = dataclasses.replace(
    SMALL_FIT, stages=(Stage(0.5, 100), Stage(1.0, 400)), count=1500, capacity=1500
)
GREY = 225 / 255

Change = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


def _clean(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return image


def _noisy_on_grey(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(index)
    behind = image - (1 - alpha) * (1 - GREY)
    return behind + rng.normal(0, 3 / 255, image.shape)


def _vignetted(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE / 2) - 1
    light = 1 + 0.01 * (-1) ** index - 0.05 * (x * x + y * y) / 2
    return (image - (1 - alpha) * (1 - GREY)) * light[..., None]


def _every_second_cut_out(
    index: int, image: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    return image if index % 2 == 0 else np.concatenate([image, alpha], axis=2)


def _small(path: pathlib.Path) -> np.ndarray:
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def _cut_out(image: np.ndarray) -> np.ndarray:
    """Returns 0 at the white around the object and 1 on it, [h, w, 1]."""
    white = (image.min(axis=2) > 0.98).astype(np.uint8)
    _, around = cv2.connectedComponents(white)
    return (around != around[0, 0]).astype(np.float32)[..., None]


def _of_size(path: pathlib.Path, frames: list[dict[str, Any]]) -> str:
    lens = json.loads(path.read_text())
    return json.dumps({**lens, "w": SIDE, "h": SIDE, "frames": frames})


def _write(root: pathlib.Path, change: Change, every: int = EVERY) -> pathlib.Path:
    """Writes the sample with changed training views; its good queries stay."""
    poses = SOURCE / "transforms.json"
    frames = json.loads(poses.read_text())["frames"][::every]
    for index, frame in enumerate(frames):
        image = _small(SOURCE / frame["file_path"])
        pixels = change(index, image, _cut_out(image))
        pixels = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
        datasets.save(root / frame["file_path"], pixels)
    (root / poses.name).write_text(_of_size(poses, frames))
    for path in sorted(SOURCE.glob("test/good/*")):
        pixels = np.rint(255 * _small(path)).astype(np.uint8)
        datasets.save(root / path.relative_to(SOURCE), pixels)
    true = SOURCE / "test_poses.json"
    (root / true.name).write_text(
        _of_size(true, json.loads(true.read_text())["frames"])
    )
    return root


def _fitted(root: pathlib.Path, change: Change) -> Detector:
    return Detector.fit(data.load_object(_write(root, change)), fit_config=CONFIG)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return _fitted(tmp_path_factory.mktemp("clean"), _clean)


@pytest.mark.parametrize("change", [_noisy_on_grey, _vignetted, _every_second_cut_out])
def test_a_fit_is_as_good_as_that_of_clean_photographs(
    clean: Detector, tmp_path: pathlib.Path, change: Change
) -> None:
    detector = _fitted(tmp_path, change)
    assert clean.unfit == detector.unfit == ""
    assert clean.quality is not None and detector.quality is not None
    assert detector.quality.found == clean.quality.found == clean.quality.held_out
    assert detector.quality.agreement > clean.quality.agreement - 0.1
    assert clean.fitted is not None and detector.fitted is not None
    assert detector.fitted.psnr > clean.fitted.psnr - 3
    true = data.read_test_poses(tmp_path)
    assert true is not None
    paths = sorted(tmp_path.glob("test/good/*"))
    for path, one in zip(paths, detector.inspect(paths), strict=True):
        expected = true[path.relative_to(tmp_path).as_posix()]
        error = np.degrees(metrics.rotation_error(one.camera_from_world, expected))
        # A pixel is two degrees of this small object.
        assert one.outcome in TRUSTED and error < 1.5


def test_five_views_give_no_verdicts_and_a_reason(tmp_path: pathlib.Path) -> None:
    detector = Detector.fit(
        data.load_object(_write(tmp_path, _clean, every=20)), fit_config=CONFIG
    )
    assert "4 training views cannot show all sides" in detector.unfit
    assert verdicts.summary(detector)[-1].startswith("verdicts: none are possible: ")
    (found,) = detector.inspect(sorted(tmp_path.glob("test/good/*"))[:1])
    assert found.outcome == Outcome.UNFIT and found.defective is None
