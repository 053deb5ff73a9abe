"""The benchmark of degraded photographs, with an evaluation that is quick."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from experiments.bench import robustness
from jaxsplat import data, report
from jaxsplat.commands import endings
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.study import evaluation
from jaxsplat.study.evaluation import Evaluation
from tests.helpers import datasets

_FILES = ("detector.json", "scene.ply", "arrays.safetensors")


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    return datasets.write_mad(tmp_path / "part", width=40, height=24)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns a list that grows by the training views' digest at each fit."""
    done: list[str] = []

    def evaluate(
        path: pathlib.Path,
        settings: Evaluation,
        folder: report.CategoryFolder,
        progress: report.Progress,
    ) -> report.CategoryMetrics:
        objects = data.load_object(path, size=settings.size)
        folder.begin_object(objects.train_digest)
        if not folder.detector_path.exists():
            done.append(objects.train_digest)
            for name in _FILES:
                (folder.path / name).write_text(objects.train_digest)
        for number, view in enumerate(objects.test):
            record = {
                "defect_type": view.defect_type,
                "defective": (None, False, True)[number % 3],
                "outcome": "converged" if number else "ambiguous",
            }
            folder.append(view.name, record, None, view.digest)
        seconds = report.Seconds(1.0, 0.0, report.QuerySeconds(0.1, 0.1, 0.3, 0.5), 0.0)
        pose = report.PoseSummary(0.25, 1.0, 0.004, 0.75)
        return report.CategoryMetrics(
            image_auroc=0.9 - 0.1 * len(done),
            pixel_auroc=None,
            aupro=None,
            pixel_ap=None,
            image_f1_max=None,
            pixel_f1_max=None,
            aupimo=None,
            psnr=30.0 - path.parent.name.count("clutter"),
            gaussians=1,
            queries=len(objects.test),
            seconds=seconds,
            pose=pose,
            reasons={},
        )

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    return done


def run(source: pathlib.Path, *kinds: str) -> tuple[int, dict, str]:
    out = source.parent / "results" / "robustness.json"
    config = robustness.Config(data_dir=str(source), kinds=kinds, out=str(out))
    code = robustness.main(config)
    return code, json.loads(out.read_text()), out.with_suffix(".md").read_text()


def test_a_row_for_each_kind_beside_the_clean_one(
    source: pathlib.Path, fits: list[str]
) -> None:
    code, found, table = run(source, "clean", "noise_3", "clutter", "clutter+jpeg")
    assert code == 0 and found["failed"] == {}
    assert list(found["rows"]) == ["clean", "noise_3", "clutter", "clutter+jpeg"]
    # Clutter alone is behind queries, and asks the clean set's detector.
    assert len(fits) == len(set(fits)) == 3
    clean, noise, clutter, _ = found["rows"].values()
    assert clean["image_auroc_to_clean"] is None
    assert noise["image_auroc_to_clean"] == pytest.approx(-0.1)
    assert clutter["psnr"] == clean["psnr"] == 30
    # In the order of the folders: Burrs, good, Missing; verdicts in turn.
    assert clean["verdicts"] == {
        "defective: none": 1,
        "defective: good": 2,
        "good: defective": 1,
        "good: none": 1,
        "defective: defective": 1,
    }
    assert clean["outcomes"] == {"ambiguous": 1, "converged": 5}
    lines = table.splitlines()
    assert len(lines) == 6
    assert len({line.count("|") for line in lines}) == 1
    assert "| 75.0 | 0.250 | 0.400 |" in lines[2]
    assert "ambiguous 1, converged 5" in lines[2]
    # Nothing is left of the degraded copies.
    assert {path.name for path in source.parent.iterdir()} == {"part", "results"}


def test_a_kind_that_fails_is_a_row_with_its_reason(
    source: pathlib.Path, fits: list[str]
) -> None:
    rng = np.random.default_rng(0)
    for path in source.glob("train/good/*.png"):
        datasets.save(path, rng.integers(0, 255, (24, 40, 3), np.uint8))
    code, found, table = run(source, "clutter", "noise_1")
    assert code == endings.FINISHED_WITH_FAILURES
    # The clean row is measured too where another needs its detector.
    assert list(found["rows"]) == ["clean", "noise_1"]
    assert "neither alpha nor a plain background" in found["failed"]["clutter"]
    assert "| clutter | failed: " in table


def test_without_a_clean_detector_query_kinds_fail_too(
    source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DataError("no fit")

    monkeypatch.setattr(evaluation, "evaluate", refuse)
    _, found, _ = run(source, "clutter")
    assert found["rows"] == {}
    assert found["failed"]["clean"] == "no fit"
    assert "the clean row failed" in found["failed"]["clutter"]


def test_unknown_kinds_are_refused_before_anything_is_done() -> None:
    with pytest.raises(ConfigError, match="found fog, expected some of"):
        robustness.Config(data_dir="x", kinds=("clean", "noise_1+fog"))
    assert dataclasses.fields(robustness.Config)[1].default[0] == "clean"
