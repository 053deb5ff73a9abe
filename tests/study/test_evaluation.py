"""What a person who watches an evaluation is shown."""

import io

import pytest

from jaxsplat.fitting import FitProgress
from jaxsplat.report import Progress
from jaxsplat.study import evaluation


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
