"""What of a finding the page shows."""

import pathlib

import numpy as np

from jaxsplat import report
from jaxsplat.data.views import View
from jaxsplat.methods import Inspection
from jaxsplat.pose import Outcome
from jaxsplat.study import findings


def test_a_cut_out_is_shown_over_what_it_was_inspected_over(
    tmp_path: pathlib.Path,
) -> None:
    rng = np.random.default_rng(0)
    alpha = rng.uniform(size=(4, 5)).astype(np.float32)
    image = (alpha[..., None] * np.float32(0.3)).repeat(3, axis=2)
    view = View("test/good/0.png", image, alpha)
    found = Inspection(view.name, Outcome.OUT_OF_VIEW, reason="it is not there")
    record = findings.stored(view, found)[0] | {"arrays": False}
    behind = np.array([0.5, 0.25, 0.75])
    row = findings.row(
        report.CategoryFolder(tmp_path / "part", ""),
        findings.Finding(view, record, None, None),
        behind,
        findings.Scaling(),
        None,
    )
    expected = image + (1 - alpha[..., None]) * behind
    np.testing.assert_allclose(row.photo, expected, atol=1e-6)
    assert row.score is None and row.in_doubt and row.why == "it is not there"
