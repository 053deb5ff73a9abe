"""The tour runs from cell to cell."""

import runpy

import pytest


@pytest.mark.slow
def test_the_tour_ends_with_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    left = runpy.run_module("experiments.tour")
    assert left["fitted"].psnr > 20
    assert left["drawn"].color.shape == (64, 64, 3)
    assert left["found"].score > 0
    assert "100 views, 23 queries" in capsys.readouterr().out
