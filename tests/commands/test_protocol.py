"""The papers' tables by command, on a small object that takes no fit."""

import dataclasses
import importlib.util
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from jaxsplat import data, fitting
from jaxsplat.commands import endings, evaluating, mad, sparse_views, steps, timing
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import METHODS, Method, find_method
from jaxsplat.pose import AdamScrew, AdamView, MaskRefine, MatchStarts
from tests.helpers import toy_detector

SIDES = range(5, 11)
PAPERS = ("SplatPose", "OmniAD")


def find_small(name: str, preset: str = "fast") -> Method:
    """Returns a method with few steps; more steps are still more."""
    if name == "best":
        return toy_detector.QUICK
    method = dataclasses.replace(find_method(name, preset), batch=1)
    if name == "igspad":
        starts = MatchStarts(k=1, keypoints=32, shortlist=2)
        refine = AdamView(steps=2, every=2, keypoints=32, side=20)
        return dataclasses.replace(method, starts=starts, refine=refine)
    if name == "rpe_pad":
        return dataclasses.replace(method, starts=toy_detector.REGRESSED)
    if name == "ptad":
        refine = MaskRefine(toy_detector.QUICK.refine)
        return dataclasses.replace(method, refine=refine, compare=toy_detector.DEPTH)
    return dataclasses.replace(method, refine=AdamScrew(steps=2))


def queries(toy: ObjectSet) -> tuple[View, ...]:
    """Returns photographs of six sides, good and marred, with unknown poses."""
    mask = np.zeros((32, 32), bool)
    mask[13:18, 13:18] = True
    found = []
    for number in SIDES:
        for kind, marred in (("good", False), ("Stains", True)):
            image = toy_detector.pixels(toy, number, marred=marred) / np.float32(255)
            truth = mask if marred else np.zeros_like(mask)
            name = f"test/{kind}/{number % 2}_{number}.png"
            found.append(View(name, image, defect_type=kind, mask=truth, digest=name))
    return tuple(found)


@pytest.fixture(scope="module", autouse=True)
def asked(toy: ObjectSet) -> Iterator[list[tuple[str, ...]]]:
    """Makes the toy the object of every folder; lists the views of every fit."""
    fits: list[tuple[str, ...]] = []
    objects = dataclasses.replace(toy, test=queries(toy), train_digest="toy")
    poses = {
        view.name: np.asarray(_camera(toy, view).camera_from_world)
        for view in objects.test
    }
    with toy_detector.quick(), pytest.MonkeyPatch.context() as patch:
        quick = fitting.fit

        def fit(views: Any, *others: Any, **settings: Any) -> Any:
            fits.append(tuple(view.name for view in views))
            return quick(views, *others, **settings)

        patch.setattr(fitting, "fit", fit)
        patch.setattr(data, "load_object", lambda *_, **__: objects)
        patch.setattr(data, "read_test_poses", lambda *_: poses)
        patch.setattr(evaluating, "find_method", find_small)
        yield fits


def _camera(toy: ObjectSet, view: View) -> Any:
    number = int(view.name.split("_")[1].split(".")[0])
    return toy.train[number].camera


def check_files(out: pathlib.Path, name: str, shown: str) -> dict[str, Any]:
    """Checks that a table is in all its files and returns the JSON's content."""
    record = json.loads((out / f"{name}.json").read_text())
    assert {"title", "measured", "published", "config", "versions"} <= set(record)
    text = (out / f"{name}.md").read_text()
    assert "published" in text and "measured" in text
    assert "cannot be compared" in text
    figure = (out / f"{name}.png").exists()
    assert figure == (importlib.util.find_spec("matplotlib") is not None)
    assert ("no figure" in shown) != figure
    return record


def test_all_methods_look_at_one_fit(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[str, ...]],
) -> None:
    methods = tuple(METHODS)
    out = tmp_path / "methods"
    config = mad.Config(out=str(out), method=methods, max_queries=4)
    fits = len(asked)
    assert mad.main(config) == 0
    assert len(asked) == fits + 1
    shown = capsys.readouterr().out
    found = json.loads((out / "methods.json").read_text())["measured"]
    assert tuple(found) == methods
    for name, one in found.items():
        single = json.loads((out / name / "metrics.json").read_text())
        assert single["config"]["method"] == name
        assert one["image_auroc"]["mean"] == single["mean"]["image_auroc"]
        assert one["seconds"]["per_query"]["total"]["mean"] > 0
        assert any(line.startswith(name) for line in shown.splitlines())
    assert mad.main(config) == 0
    assert len(asked) == fits + 1


def test_a_method_that_trains_its_own_network_takes_no_other() -> None:
    with pytest.raises(ConfigError, match="network: ptad trains its own"):
        mad.Config(method=("ptad",), network="resnet18")


def test_methods_that_do_not_exist_are_told() -> None:
    with pytest.raises(ConfigError, match="method 'worst': expected one of best"):
        mad.Config(method=("best", "worst"))
    with pytest.raises(ConfigError, match="method: found none"):
        mad.Config(method=())


def test_several_seeds(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[str, ...]],
) -> None:
    out = tmp_path / "seeds"
    config = mad.Config(out=str(out), seeds=2, seed=4, parts=r"/([a-zA-Z]+/\d)_")
    assert mad.main(config) == 0
    shown = capsys.readouterr().out
    found = check_files(out, "seeds", shown)["measured"]
    single = [
        json.loads((out / "seeds" / f"seed_{seed}" / "metrics.json").read_text())
        for seed in (4, 5)
    ]
    values = [one["mean"]["pixel_auroc"] for one in single]
    told = found["categories"]["01Penguin"]["pixel_auroc"]
    assert told["values"] == values
    assert told["deviation"] == pytest.approx(np.std(values, ddof=1))
    assert [one["config"]["seed"] for one in single] == [4, 5]
    # Whoever reads metrics.json of one run reads this one too.
    mean = json.loads((out / "metrics.json").read_text())
    numbers = mean["categories"]["01Penguin"]
    assert numbers["pixel_auroc"] == pytest.approx(np.mean(values))
    assert set(numbers) == set(single[0]["categories"]["01Penguin"])
    # Six sides by two remainders and two kinds: four parts of three photographs.
    assert numbers["parts"]["count"] == 4
    assert numbers["parts"]["photographs"] == 3
    assert numbers["parts"]["auroc"] == 1.0
    page = (out / "seeds" / "seed_4" / "report.html").read_text()
    assert page.count('button type="button" data-part=') == 4
    assert page.count("data-shows=") == 12
    assert numbers["aupimo"] > 0.3 and numbers["image_f1_max"] > 0.6
    assert f"{100 * np.mean(values):.1f} ±" in shown
    # It is finished: nothing is fitted again.
    fits = len(asked)
    assert mad.main(config) == 0
    assert len(asked) == fits
    # The folder of one run takes no others.
    one = str(out / "seeds" / "seed_4")
    for main, other in (
        (mad.main, mad.Config(out=one, seeds=2)),
        (sparse_views.main, sparse_views.Config(out=one)),
    ):
        with pytest.raises(ConfigError, match="holds '01Penguin' and no results of se"):
            main(other)


@pytest.mark.slow
def test_fewer_training_views(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[str, ...]],
) -> None:
    out, begin = tmp_path / "sparse", len(asked)
    config = sparse_views.Config(out=str(out), shares=(50, 100), max_queries=4)
    assert sparse_views.main(config) == 0
    # Of 20 and 40 views, a tenth is kept apart.
    assert [len(views) for views in asked[begin:]] == [18, 36]
    # Drawn at random: not the first half of the list.
    first, whole = set(asked[begin]), {f"train/{k}.png" for k in range(40)}
    assert len(first) == 18 and first < whole
    assert first - {f"train/{k}.png" for k in range(20)}
    found = check_files(out, "sparse_views", capsys.readouterr().out)
    assert set(found["measured"]) == {"50", "100"}
    assert found["published"]["100"]["SplatPose"] == [93.9, 95.8]
    lines = (out / "sparse_views.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| 100")]
    assert [cell.strip() for cell in rows[0][-5:-1]] == ["93.9", "95.8", "90.9", "86.6"]


@pytest.mark.slow
def test_steps_of_pose(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[str, ...]],
) -> None:
    out, begin = tmp_path / "steps", len(asked)
    config = steps.Config(out=str(out), steps=(0, 25), max_queries=4)
    assert steps.main(config) == 0
    assert len(asked) == begin + 1, "the twin is the same for all"
    found = check_files(out, "steps", capsys.readouterr().out)["measured"]
    assert set(found) == {"steps_0", "steps_25", "best", "best_coarse_pose"}
    medians = {
        name: one["mean"]["pose"]["rotation_deg_median"]["mean"]
        for name, one in found.items()
    }
    assert medians["steps_25"] < medians["steps_0"]
    assert medians["best"] < medians["best_coarse_pose"]
    told = [
        json.loads(line)
        for line in (out / "steps_25/01Penguin/results.jsonl").read_text().splitlines()
    ]
    assert {one["steps"] for one in told} == {25}


def test_what_fails_everywhere_is_told_and_has_no_numbers(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise DataError("the photographs are gone")

    monkeypatch.setattr(data, "load_object", refuse)
    for command, config in (
        (mad, mad.Config(out=str(tmp_path / "seeds"), seeds=2)),
        (sparse_views, sparse_views.Config(out=str(tmp_path / "sparse"))),
        (steps, steps.Config(out=str(tmp_path / "steps"), steps=(0, 25))),
    ):
        assert command.main(config) == endings.FINISHED_WITH_FAILURES
        assert "failed: the photographs are gone" in capsys.readouterr().err
    record = json.loads((tmp_path / "seeds" / "metrics.json").read_text())
    assert record["failed"] == {"01Penguin": "the photographs are gone"}


def test_timing(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    asked: list[tuple[str, ...]],
) -> None:
    out, begin = tmp_path / "timing", len(asked)
    config = timing.Config(out=str(out), max_queries=2, batches=(1,), repeats=1)
    timing.main(config)
    assert len(asked) == begin + 1
    found = check_files(out, "timing", capsys.readouterr().out)["measured"]
    assert set(found) == {"best, 1 together", "splatpose, 1 together"}
    for one in found.values():
        parts = ("coarse", "refine", "rendering", "detection")
        assert all(one[part]["mean"] > 0 for part in parts)
        whole = sum(one[part]["mean"] for part in parts)
        assert one["total"]["mean"] == pytest.approx(whole)
        assert one["wall"]["mean"] >= 0.9 * whole


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: timing.Config(methods=("none",)), "none"),
        (lambda: mad.Config(parts="("), "no regular expression"),
    ],
)
def test_wrong_settings(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
