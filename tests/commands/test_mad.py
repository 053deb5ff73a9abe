"""The main command on real pictures, small: the bundled sample at 64 pixels."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from jaxsplat import data, fitting, methods, report
from jaxsplat.commands import mad
from jaxsplat.methods import best
from jaxsplat.scene import ply

SMALL_FIT = dataclasses.replace(
    fitting.FAST,
    stages=(fitting.Stage(0.5, 20), fitting.Stage(1.0, 60)),
    count=600,
    capacity=600,
)
SMALL_METHOD = best.BestConfig(starts=2, batch=4)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns the folder of a run that was stopped half-way and taken up again."""
    out = tmp_path_factory.mktemp("mad") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "preset", lambda name, side: SMALL_FIT)
        patch.setattr(best, "BestConfig", lambda: SMALL_METHOD)
        config = mad.Config(size=64, max_queries=8, out=str(out))
        opened: list[bool] = []
        true_poses = data.read_test_poses
        patch.setattr(data, "read_test_poses", _only_after(opened, out, true_poses))
        stop = _stop_after(1, methods.Inspector.inspect)
        with patch.context() as stopped, pytest.raises(KeyboardInterrupt):
            stopped.setattr(methods.Inspector, "inspect", stop)
            mad.main(config)
        assert not opened
        patch.setattr(fitting, "fit", _never)
        mad.main(config)
        assert opened
    return out


Poses = Callable[[pathlib.Path], dict[str, np.ndarray] | None]


def _only_after(opened: list[bool], out: pathlib.Path, read: Poses) -> Poses:
    def guarded(path: pathlib.Path) -> dict[str, np.ndarray] | None:
        lines = (out / "01Penguin" / "results.jsonl").read_text().splitlines()
        assert len(lines) == 8, "test poses were read before detection had finished"
        opened.append(True)
        return read(path)

    return guarded


Inspect = Callable[[methods.Inspector, np.ndarray], methods.Inspected]


def _stop_after(batches: int, inspect: Inspect) -> Inspect:
    done: list[int] = []

    def stopping(self: methods.Inspector, photos: np.ndarray) -> methods.Inspected:
        if len(done) == batches:
            raise KeyboardInterrupt
        done.append(1)
        return inspect(self, photos)

    return stopping


def _never(*args: object, **kwargs: object) -> None:
    raise AssertionError("the fit was finished and must not run again")


def test_metrics_have_every_number_and_make_sense(run: pathlib.Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == {"categories", "mean", "config", "versions"}
    numbers = metrics["categories"]["01Penguin"]
    assert numbers["queries"] == 8
    assert 0 < numbers["gaussians"] <= SMALL_FIT.capacity
    # Far from what the preset reaches, far from a scene that shows nothing (11 dB).
    assert numbers["psnr"] > 17
    assert numbers["pixel_auroc"] > 0.6
    assert 0 <= numbers["image_auroc"] <= 1
    assert 0 <= numbers["aupro"] <= 1 and 0 < numbers["pixel_ap"] <= 1
    assert set(numbers["pose"]) == {
        "rotation_deg_median",
        "rotation_deg_p95",
        "translation_rel_median",
        "success_rate",
    }
    assert set(numbers["seconds"]["per_query"]) == {
        "coarse",
        "refine",
        "features",
        "total",
    }


def test_every_query_has_one_line_through_the_interruption(run: pathlib.Path) -> None:
    lines = (run / "01Penguin" / "results.jsonl").read_text().splitlines()
    names = [json.loads(line)["name"] for line in lines]
    assert len(names) == len(set(names)) == 8
    kinds = {name.split("/")[1] for name in names}
    assert kinds == {"good", "Burrs", "Missing", "Stains"}


def test_the_folder_holds_what_was_promised(run: pathlib.Path) -> None:
    folder = run / "01Penguin"
    cloud = ply.read_ply(folder / "scene.ply")
    assert np.isfinite(np.asarray(cloud.means)).all()
    frames = json.loads((folder / "poses.json").read_text())["frames"]
    assert len(frames) == 8
    assert len(list((folder / "maps").rglob("*.png"))) == 8
    assert {"config.json", "versions.json", "report.html"} <= {
        path.name for path in run.iterdir()
    }


def test_the_report_shows_every_query(run: pathlib.Path) -> None:
    page = (run / "report.html").read_text()
    for line in (run / "01Penguin" / "results.jsonl").read_text().splitlines():
        assert json.loads(line)["name"] in page
    assert "http://" not in page and "https://" not in page


def test_other_settings_are_refused(run: pathlib.Path) -> None:
    from jaxsplat.errors import ConfigError

    with pytest.raises(ConfigError, match="seed"):
        mad.main(mad.Config(size=64, max_queries=8, out=str(run), seed=1))


def test_the_table_is_that_of_the_metrics(run: pathlib.Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert "01Penguin" in report.text_table(metrics)
