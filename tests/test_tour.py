"""The tour runs from cell to cell."""

import runpy

import numpy as np
import pytest


def test_the_tour_ends_with_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    left = runpy.run_module("experiments.tour")
    assert left["fitted"].psnr > 20
    # The view that is drawn is one that was fitted.
    differs = np.asarray(left["drawn"].color) - left["view"].image
    assert np.mean(differs**2) < 10 ** (-20 / 10)
    slope = np.asarray(left["slope"])
    assert (slope >= 0).all() and slope.max() > 0
    assert left["found"].score > left["detector"].threshold
    shown = capsys.readouterr().out
    assert "100 views, 23 queries" in shown
    # Both photographs are of defective objects.
    verdicts = [line.split() for line in shown.splitlines() if "test/" in line]
    assert [(line[0], line[-1]) for line in verdicts] == [
        ("test/Burrs/000.png", "True"),
        ("test/Stains/004.png", "True"),
    ]
