"""The main command on real pictures, small: the bundled sample at 64 pixels."""

import json
import pathlib
import shutil
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from jaxsplat import data, fitting, report
from jaxsplat.commands import endings, mad
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector, Inspection
from jaxsplat.scene import splats
from tests.helpers.small_fit import SIDE, SMALL_FIT

SETTINGS = {"size": SIDE, "max_queries": 8, "level_maps": True}


@pytest.fixture(scope="module", autouse=True)
def small_fit() -> Iterable[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "preset", lambda *_: SMALL_FIT)
        yield


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns a folder of two objects: the sample, and one whose file is damaged."""
    root = tmp_path_factory.mktemp("data")
    shutil.copytree(data.sample_dir() / "01Penguin", root / "01Penguin")
    shutil.copytree(root / "01Penguin", root / "02Broken")
    image = root / "02Broken" / "train" / "good" / "000.png"
    image.write_bytes(image.read_bytes()[:500])
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, sample: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a run that was stopped half-way and taken up again."""
    out = tmp_path_factory.mktemp("mad") / "run"
    with pytest.MonkeyPatch.context() as patch:
        config = mad.Config(data_dir=str(sample), out=str(out), **SETTINGS)
        opened: list[bool] = []
        true_poses = data.read_test_poses
        patch.setattr(data, "read_test_poses", _only_after(opened, out, true_poses))
        stop = _stop_after(4, Detector.inspect)
        with patch.context() as stopped, pytest.raises(KeyboardInterrupt):
            stopped.setattr(Detector, "inspect", stop)
            mad.main(config)
        assert not opened
        patch.setattr(fitting, "fit", _never)
        assert mad.main(config) == endings.FINISHED_WITH_FAILURES
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


Inspect = Callable[[Detector, Iterable[Any]], list[Inspection]]


def _stop_after(calls: int, inspect: Inspect) -> Inspect:
    done: list[int] = []

    def stopping(self: Detector, photos: Iterable[Any]) -> list[Inspection]:
        if len(done) == calls:
            raise KeyboardInterrupt
        done.append(1)
        return inspect(self, photos)

    return stopping


def _never(*args: object, **kwargs: object) -> None:
    raise AssertionError("the fit was finished and must not run again")


def record(run: pathlib.Path) -> dict[str, Any]:
    return json.loads((run / "metrics.json").read_text())


def lines(run: pathlib.Path) -> list[dict[str, Any]]:
    text = (run / "01Penguin" / "results.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_metrics_have_every_number_and_make_sense(run: pathlib.Path) -> None:
    metrics = record(run)
    assert set(metrics) == {"categories", "mean", "config", "versions", "failed"}
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


def test_a_category_that_fails_is_a_row_with_its_reason(run: pathlib.Path) -> None:
    metrics = record(run)
    assert set(metrics["categories"]) == {"01Penguin"}
    assert "000.png" in metrics["failed"]["02Broken"]
    assert metrics["mean"]["queries"] == 8
    assert "02Broken" in report.text_table(metrics)
    page = (run / "report.html").read_text()
    assert "02Broken" in page and "000.png" in page


def test_every_query_has_one_line_through_the_interruption(run: pathlib.Path) -> None:
    names = [line["name"] for line in lines(run)]
    assert len(names) == len(set(names)) == 8
    kinds = {name.split("/")[1] for name in names}
    assert kinds == {"good", "Burrs", "Missing", "Stains"}


def test_the_folder_is_a_detector_that_gives_the_same_numbers(
    run: pathlib.Path, sample: pathlib.Path
) -> None:
    """Evaluation and deployment are one function."""
    detector = Detector.load(run / "01Penguin")
    objects = data.load_object(sample / "01Penguin", size=64)
    views = {view.name: view for view in objects.test}
    for line in lines(run)[::3]:
        found = detector.inspect([views[line["name"]]])[0]
        assert found.score == line["score"]
        assert found.defective == line["defective"]
        np.testing.assert_array_equal(
            found.camera_from_world, np.array(line["camera_from_world"])
        )


def test_the_folder_holds_what_was_promised(run: pathlib.Path) -> None:
    folder = run / "01Penguin"
    cloud = splats.read_splats(folder / "scene.ply")
    assert np.isfinite(np.asarray(cloud.means)).all()
    frames = json.loads((folder / "poses.json").read_text())["frames"]
    assert len(frames) == 8
    assert len(list((folder / "maps").rglob("*.png"))) == 8
    assert not (folder / "checkpoint").exists()
    assert {"config.json", "versions.json", "report.html"} <= {
        path.name for path in run.iterdir()
    }


def test_the_report_shows_every_query(run: pathlib.Path) -> None:
    page = (run / "report.html").read_text()
    for line in lines(run):
        assert line["name"] in page
    # The pictures were made at the fit, and the run was taken up again since.
    assert page.count("Where the object is") == 1
    assert page.count('alt="Training view train/good/') == 6
    assert page.count("the plain background of the training views; silhouettes") == 1
    assert "http://" not in page and "https://" not in page
    fitted = Detector.load(run / "01Penguin").fitted
    assert fitted is not None
    told = f"{len(fitted.calibrated_on)} good views"
    assert told in page and f"of {len(fitted.held_out)} that the fit never saw" in page
    assert page.count('<details class="levels">') == 8
    taps = ("block0_2px", "block2_4px", "block4_8px", "block10_16px")
    for name in (*taps, "lightness", "chroma"):
        assert page.count(f'alt="{name}"') == 8


def test_other_settings_are_refused(run: pathlib.Path, sample: pathlib.Path) -> None:
    config = mad.Config(data_dir=str(sample), out=str(run), **SETTINGS, seed=1)
    with pytest.raises(ConfigError, match="seed=0, now 1"):
        mad.main(config)


def test_a_query_that_was_replaced_is_inspected_again(
    run: pathlib.Path,
    sample: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {line["name"]: line for line in lines(run)}
    name = next(iter(before))
    other = sample / "01Penguin" / "test" / "good" / "007.png"
    path = sample / "01Penguin" / name
    kept = path.read_bytes()
    path.write_bytes(other.read_bytes())
    try:
        config = mad.Config(data_dir=str(sample), out=str(run), **SETTINGS)
        mad.main(config)
        assert "01Penguin: 1 file changed since; done again" in capsys.readouterr().err
        after = {line["name"]: line for line in lines(run)}
        assert after[name]["score"] != before[name]["score"]
        for other_name in before.keys() - {name}:
            assert after[other_name] == before[other_name]
    finally:
        path.write_bytes(kept)
        mad.main(mad.Config(data_dir=str(sample), out=str(run), **SETTINGS))
    again = {line["name"]: line for line in lines(run)}
    assert again[name]["score"] == before[name]["score"]


def test_a_changed_training_set_is_fitted_again(
    run: pathlib.Path, sample: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sample / "01Penguin" / "transforms.json"
    kept = path.read_text()
    content = json.loads(kept)
    content["frames"] = content["frames"][1:]
    path.write_text(json.dumps(content))

    def refuse(*_: object, **__: object) -> None:
        raise DataError("fitted again")

    monkeypatch.setattr(fitting, "fit", refuse)
    try:
        mad.main(mad.Config(data_dir=str(sample), out=str(run), **SETTINGS))
        assert record(run)["failed"]["01Penguin"] == "fitted again"
        assert not (run / "01Penguin" / "scene.ply").exists()
        assert not lines(run)
    finally:
        path.write_text(kept)
