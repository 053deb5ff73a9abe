"""The benchmark of what a detector cannot know, with detectors that are quick."""

import json
import pathlib
import types
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from experiments.bench import impostors
from jaxsplat import Outcome
from jaxsplat.commands import endings
from jaxsplat.data.views import ObjectSet
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector, Inspection
from jaxsplat.study import unfit_sets
from tests.helpers import datasets

Verdict = Callable[[int], bool | None]


def detector(verdict: Verdict, unfit: str | None = None) -> types.SimpleNamespace:
    """Returns a detector that says of the n-th photograph what `verdict` says."""

    def inspect(photos: Iterable[object]) -> list[Inspection]:
        return [
            Inspection(str(n), Outcome.CONVERGED, defective=verdict(n))
            for n, _ in enumerate(photos)
        ]

    camera = types.SimpleNamespace(width=40, height=24)
    twin = types.SimpleNamespace(background=np.ones(3, np.float32), camera=camera)
    return types.SimpleNamespace(inspect=inspect, twin=twin, unfit=unfit, fitted=None)


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    return datasets.write_mad(tmp_path / "part", width=40, height=24)


def run(source: pathlib.Path, **settings: object) -> tuple[int, dict]:
    out = source.parent / "impostors.json"
    config = impostors.Config(out=str(out), **settings)  # type: ignore[arg-type]
    code = impostors.main(config)
    return code, json.loads(out.read_text())


@pytest.mark.parametrize(
    ("verdict", "missed"),
    [
        (lambda n: None, 0),
        (lambda n: True if n < 2 else None, 0),
        (lambda n: True if n < 3 else None, 1),
        (lambda n: False if n == 7 else None, 1),
        (lambda n: False, 2),
    ],
)
def test_verdicts_about_other_things_are_counted(
    source: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict,
    missed: int,
) -> None:
    monkeypatch.setattr(Detector, "load", lambda _: detector(verdict))
    other = datasets.write_nerf(source.parent / "other")
    code, found = run(
        source,
        detector="there",
        data_dir=str(source),
        objects=(str(other),),
        unfit=("none",),
    )
    assert len(found["missed"]) == missed
    assert code == (endings.FINISHED_WITH_FAILURES if missed else 0)
    assert found["impostors"]["all"]["of"] == 60 and "unfit" not in found
    kinds = found["impostors"]["kinds"]
    assert len(kinds) == 8 and sum(row["of"] for row in kinds.values()) == 60
    assert found["impostors"]["all"]["outcomes"] == {"converged": 60}


def test_what_a_fit_says_of_unfit_sets_is_kept(
    source: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(objects: ObjectSet, **_: object) -> types.SimpleNamespace:
        kind = objects.train_digest.split()[-1]
        if kind == "black":
            raise DataError("all black")
        if kind == "blurred":
            return detector(lambda n: None, "too blurred")
        return detector(lambda n: n == 0)

    monkeypatch.setattr(Detector, "fit", fit)
    code, found = run(source, data_dir=str(source), max_queries=4)
    rows = {row["kind"]: row for row in found["unfit"]}
    assert set(rows) == set(unfit_sets.KINDS)
    assert rows["black"]["error"] == "all black"
    assert rows["blurred"]["unfit"] == "too blurred"
    assert rows["blurred"]["verdicts"] == {"none": 4}
    assert rows["five_views"]["verdicts"] == {"defective": 1, "good": 3}
    assert code == endings.FINISHED_WITH_FAILURES
    assert len(found["missed"]) == 4
    assert "impostors" not in found


def test_it_needs_a_detector_or_an_object() -> None:
    with pytest.raises(ConfigError, match="detector: found none, and no data_dir"):
        impostors.Config()
    with pytest.raises(ConfigError, match="unfit: found fog, expected none or some"):
        impostors.Config(data_dir="x", unfit=("fog",))
