"""The benchmark of fits, with a fit that is quick."""

import dataclasses
import json
import pathlib

import pytest

from experiments.bench import fit
from jaxsplat import fitting
from jaxsplat.errors import ConfigError
from tests.fitting.test_loop import CONFIG
from tests.helpers import datasets

SMALL = dataclasses.replace(CONFIG, stages=(fitting.Stage(1.0, 40),))


def test_every_fit_is_a_row_and_the_gate_asks_those_without_a_limit(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fitting, "preset", lambda *_: SMALL)
    source = datasets.write_mad(tmp_path / "part", width=40, height=24)
    out = tmp_path / "fit.json"

    def run(least: float) -> int:
        return fit.main(
            fit.Config(
                data_dir=str(source),
                presets=("fast",),
                seconds=(60,),
                out=str(out),
                least_psnr=least,
                gate=True,
            )
        )

    assert run(5.0) == 0
    found = json.loads(out.read_text())
    assert [row["limit"] for row in found["rows"]] == [60, None]
    limited, free = found["rows"]
    # There was time enough, so both are the same fit.
    assert limited["psnr"] == free["psnr"] > 5
    assert free["seconds"] > 0 and free["gaussians"] > 0
    assert found["gate"]["fast"] == {"psnr": free["psnr"], "least": 5.0, "met": True}
    table = out.with_suffix(".md").read_text()
    assert table in capsys.readouterr().out
    assert table.count("\n") == 4 and "| fast | 60 |" in table
    assert run(99.0) == 1


@pytest.mark.parametrize(
    "settings", [{"presets": ("slow",)}, {"seconds": (0,)}, {"seconds": (30, -1)}]
)
def test_what_is_no_preset_or_limit_is_refused(settings: dict) -> None:
    with pytest.raises(ConfigError, match="expected"):
        fit.Config(**settings)
