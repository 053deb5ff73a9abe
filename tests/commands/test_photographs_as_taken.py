"""Whole fits of photographs as cameras take them, against those of clean ones."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from jaxsplat import data, metrics
from jaxsplat.commands import verdicts
from jaxsplat.fitting import FAST, Stage
from jaxsplat.methods import Detector
from jaxsplat.pose import Outcome
from tests.helpers import datasets, toy_object
from tests.helpers.toy_object import SIDE
from tests.methods.test_world import write

pytestmark = pytest.mark.slow

# The toy is 20 Gaussians of colours that are the same from everywhere. With many more,
# and colours that change, a fit shows the few views that it saw, and no others.
CONFIG = dataclasses.replace(
    FAST, stages=(Stage(1.0, 300),), count=50, capacity=50, sh_degree=0
)
# One training view in ten is asked for again.
ASKED = range(0, 40, 10)

Change = Callable[[int, np.ndarray, np.ndarray], np.ndarray]


def _clean(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return image


def _noisy_on_grey(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(index)
    behind = image - (1 - alpha) * (1 - 225 / 255)
    return behind + rng.normal(0, 3 / 255, image.shape)


def _vignetted(index: int, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE / 2) - 1
    light = 1 + 0.01 * (-1) ** index - 0.05 * (x * x + y * y) / 2
    return (image - (1 - alpha) * (1 - 225 / 255)) * light[..., None]


def _every_second_cut_out(
    index: int, image: np.ndarray, alpha: np.ndarray
) -> np.ndarray:
    if index % 2 == 0:
        return image
    color = (image - (1 - alpha)) / np.maximum(alpha, 1e-6)
    return np.concatenate([color, alpha], axis=2)


def _fitted(root: pathlib.Path, change: Change) -> Detector:
    """Returns a detector of the toy in changed training views; queries stay."""
    write(root, 1.0, np.zeros(3))
    for index, view in enumerate(toy_object.views(40)):
        assert view.alpha is not None
        alpha = view.alpha[..., None]
        pixels = change(index, view.image + 1 - alpha, alpha)
        pixels = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
        datasets.save(root / f"train/good/{index}.png", pixels)
    return Detector.fit(data.load_object(root), fit_config=CONFIG)


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
    assert detector.quality.found == clean.quality.found == 4
    assert detector.quality.agreement > clean.quality.agreement - 0.1
    assert clean.fitted is not None and detector.fitted is not None
    assert detector.fitted.psnr > clean.fitted.psnr - 3
    true = data.read_test_poses(tmp_path)
    assert true is not None
    paths = [tmp_path / f"test/good/{index}.png" for index in ASKED]
    for path, one in zip(paths, detector.inspect(paths), strict=True):
        expected = true[path.relative_to(tmp_path).as_posix()]
        error = np.degrees(metrics.rotation_error(one.camera_from_world, expected))
        # A pixel is a degree of this small object.
        assert error < 4.0


def test_five_views_give_no_verdicts_and_a_reason(tmp_path: pathlib.Path) -> None:
    write(tmp_path, 1.0, np.zeros(3))
    whole = data.load_object(tmp_path)
    few = dataclasses.replace(whole, train=whole.train[::8])
    detector = Detector.fit(few, fit_config=CONFIG)
    assert "4 training views cannot show all sides" in detector.unfit
    assert verdicts.summary(detector)[-1].startswith("verdicts: none are possible: ")
    (found,) = detector.inspect([tmp_path / "test/good/10.png"])
    assert found.outcome == Outcome.UNFIT and found.defective is None
