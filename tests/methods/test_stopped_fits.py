"""Fits of objects with hidden parts that are stopped go on; their progress is told."""

import dataclasses
import functools
import logging
import pathlib
from collections.abc import Iterator
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxsplat import fitting, learning
from jaxsplat.data.views import ObjectSet
from jaxsplat.fitting import FAST, FitProgress, FitResult, Stage, trainer
from jaxsplat.methods import preparing, scene_fit
from jaxsplat.methods.scene_fit import DividedViews, FitSettings
from tests.helpers import toy_detector
from tests.helpers.toy_detector import QUICK

# Looks after steps 50 and 90 of the fit before, and 50, 90 and 110 of the fit.
SETTINGS = FitSettings(
    fit_config=dataclasses.replace(
        FAST,
        stages=(Stage(1.0, 90), Stage(1.0, 20)),
        start="random",
        sh_degree=0,
        count=60,
        capacity=60,
    )
)
BEFORE = [("hidden parts", 50, 90), ("hidden parts", 90, 90)]
AFTER = [("fit", 50, 110), ("fit", 90, 110), ("fit", 110, 110)]

Look = tuple[str, int, int]


class Stopped(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Run:
    """What a whole run gave, and when it was looked at."""

    views: DividedViews
    result: FitResult
    looks: list[Look]


@pytest.fixture(scope="module", autouse=True)
def half_hidden(objects: ObjectSet) -> Iterator[None]:
    """Hides half of the object, fits it in earnest, and saves at every look."""
    found = toy_detector.half_hidden(objects)
    always = functools.partial(fitting.Checkpoint, every_seconds=0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene_fit, "find_foreground", lambda views: found)
        patch.setattr(fitting, "fit", trainer.fit)
        patch.setattr(fitting, "Checkpoint", always)
        yield


def run(
    objects: ObjectSet,
    folder: pathlib.Path | None,
    settings: FitSettings = SETTINGS,
    stop: tuple[str, int] | None = None,
) -> Run:
    looks: list[Look] = []

    def watch(at: FitProgress) -> None:
        looks.append((at.phase, at.step, at.steps))
        if stop is not None and at.phase == stop[0] and at.step >= stop[1]:
            raise Stopped(at)

    views, result = scene_fit.fit_scene(settings, objects, watch, None, folder)
    return Run(views, result, looks)


def stopped_at(
    objects: ObjectSet,
    folder: pathlib.Path,
    stop: tuple[str, int],
    settings: FitSettings = SETTINGS,
) -> FitProgress:
    """Returns where a run stood that was stopped at a look, or at the next one."""
    with pytest.raises(Stopped) as stopped:
        run(objects, folder, settings, stop)
    (at,) = stopped.value.args
    assert isinstance(at, FitProgress)
    return at


@pytest.fixture(scope="module")
def expected(objects: ObjectSet) -> Run:
    return run(objects, None)


def assert_same(found: Run, expected: Run) -> None:
    assert found.result.psnr == expected.result.psnr
    leaves = [
        jax.tree.leaves((each.views.foreground.coverage, each.result.gaussians))
        for each in (found, expected)
    ]
    for a, b in zip(*leaves, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_fit_before_tells_its_progress_by_its_name(expected: Run) -> None:
    assert expected.looks == BEFORE + AFTER


@pytest.mark.parametrize(
    ("stop", "left"),
    [
        pytest.param(("hidden parts", 50), [*BEFORE[1:], *AFTER], id="within"),
        pytest.param(("fit", 50), AFTER[1:], id="after"),
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bits(
    objects: ObjectSet,
    expected: Run,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    stop: tuple[str, int],
    left: list[Look],
) -> None:
    with caplog.at_level(logging.WARNING, "absl"):
        stopped_at(objects, tmp_path, stop)
        found = run(objects, tmp_path)
    assert found.looks == left
    assert_same(found, expected)
    assert "of another fit" not in caplog.text


def test_a_run_of_limited_time_goes_on_where_it_was(
    objects: ObjectSet, tmp_path: pathlib.Path
) -> None:
    limited = dataclasses.replace(SETTINGS, fit_seconds=60.0)
    at = stopped_at(objects, tmp_path, ("fit", 50), limited)
    (kept,) = (tmp_path / "hidden_parts").iterdir()
    modified = {path: path.stat().st_mtime_ns for path in kept.rglob("*")}
    found = run(objects, tmp_path, limited)
    phase, step, _ = found.looks[0]
    assert phase == "fit" and step > at.step
    # The fit before is not even saved again.
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*")} == modified


@pytest.mark.parametrize("changed", ["seed", "config"])
def test_another_fit_before_is_not_taken(
    objects: ObjectSet,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    changed: str,
) -> None:
    assert SETTINGS.fit_config is not None
    rates = dataclasses.replace(SETTINGS.fit_config.rates, quats=2e-3)
    other = {
        "seed": dataclasses.replace(SETTINGS, seed=1),
        "config": dataclasses.replace(
            SETTINGS, fit_config=dataclasses.replace(SETTINGS.fit_config, rates=rates)
        ),
    }
    stopped_at(objects, tmp_path, ("fit", 50))
    with caplog.at_level(logging.WARNING, "absl"):
        at = stopped_at(objects, tmp_path, ("hidden parts", 0), other[changed])
    assert (at.phase, at.step) == ("hidden parts", 50)
    assert "hidden_parts: its checkpoints are of another fit" in caplog.text


def test_trainings_of_parts_are_saved_beside_the_fit(
    objects: ObjectSet, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(*_: object) -> None:
        raise Stopped(learning.named("regression"))

    monkeypatch.setattr(
        preparing, "fit_scene", lambda *_: (SimpleNamespace(fitted=()), 0)
    )
    monkeypatch.setattr(preparing, "twin_of", lambda *_: None)
    monkeypatch.setattr(preparing, "_prepare", prepare)
    for folder in (tmp_path, None):
        with pytest.raises(Stopped) as stopped:
            preparing.fit(QUICK, SETTINGS, objects, None, None, folder)
        kept = learning.Checkpoint(tmp_path / "networks" / "regression")
        assert stopped.value.args == (kept if folder else None,)
