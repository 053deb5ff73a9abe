"""What a person who watches an evaluation is shown, and what a killed one keeps."""

import io
import pathlib

import pytest

from jaxsplat import learning
from jaxsplat.fitting import FitProgress
from jaxsplat.methods import Detector, find_method
from jaxsplat.report import CategoryFolder, Progress
from jaxsplat.study import evaluation
from tests.helpers import toy_detector

SETTINGS = evaluation.Evaluation(find_method("best"))


def test_the_line_says_which_fit_its_steps_are_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    told = evaluation.told_to(Progress(terminal))
    told(FitProgress(700, 700, 21.5, 8000, phase="hidden parts"))
    told(FitProgress(50, 1500, 22.25, 8000))
    before, after = terminal.getvalue().split("\r\x1b[K")[1:]
    assert before == "hidden parts  700/700  PSNR 21.50  8,000 Gaussians"
    assert after.startswith("fit  50/1500  PSNR 22.25  8,000 Gaussians")


def test_another_methods_training_is_saved_in_its_folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[learning.Checkpoint | None] = []

    class Fitted(Detector):
        def with_method(self, *_: object) -> Detector:
            asked.append(learning.named("regression"))
            folder.checkpoint_path.mkdir()
            return self

        def save(self, *_: object) -> None:
            """Leaves nothing."""

    monkeypatch.setattr(evaluation, "fit_or_load", lambda *_: Fitted())
    fits, folder = (CategoryFolder(tmp_path / name, "hash") for name in "ab")
    evaluation._find_detector(
        toy_detector.objects(), SETTINGS, folder, Progress(io.StringIO()), fits
    )
    assert asked == [learning.Checkpoint(folder.checkpoint_path / "regression")]
    assert not folder.checkpoint_path.exists()
