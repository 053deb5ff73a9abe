"""PTAD's command on a tiny folder, from photographs to a page."""

import json
import pathlib

import pytest

from jaxsplat.commands import chairs
from jaxsplat.errors import ConfigError
from tests.helpers import chairs as made


@pytest.mark.slow
def test_outlines_tell_a_back_that_is_missing_and_a_network_is_trained(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made.write_folder(tmp_path / "data", (20, 110))
    out = tmp_path / "out"
    alone = chairs.Config(data_dir=str(data), out=str(out), no_network=True)
    chairs.main(alone)
    record = json.loads((out / "metrics.json").read_text())
    assert record["test"]["auc"] == 1.0 and record["test"]["photographs"] == 4
    assert record["test"]["by_type"] == {"missing": 1.0}
    assert "report" in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert page.count("render_2_") >= 4 and "render_1_" not in page
    # A network asked for the same photographs takes the poses that were found.
    again = tmp_path / "network"
    chairs.main(
        chairs.Config(data_dir=str(data), out=str(again), epochs=1, max_queries=4)
    )
    record = json.loads((again / "metrics.json").read_text())
    assert set(record["train"]) == set(record["test"])
    assert record["seconds"]["training"] > 0
    assert (again / "network_0.npz").exists()


def test_data_must_be_given() -> None:
    with pytest.raises(ConfigError, match="data_dir: found nothing"):
        chairs.main(chairs.Config())
