"""The fit as a command: what it leaves, prints, keeps and refuses."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jaxsplat import data
from jaxsplat.commands import fit, verdicts
from jaxsplat.data.views import ObjectSet
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.methods import Detector
from jaxsplat.scene.foreground import find_foreground


@pytest.fixture(autouse=True)
def fits(
    toy: ObjectSet, detector_folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """Makes the toy the object of every folder, and returns what fits were asked."""
    objects = dataclasses.replace(toy, train_digest="first", warnings=("odd",))
    monkeypatch.setattr(data, "load_object", lambda *_, **__: objects)
    asked: list[dict[str, Any]] = []

    def fit_quickly(of: ObjectSet, method: str, **settings: Any) -> Detector:
        settings.pop("on_foreground")(of.train, find_foreground(of.train))
        asked.append({"objects": of, "method": method, **settings})
        return Detector.load(detector_folder)

    monkeypatch.setattr(Detector, "fit", staticmethod(fit_quickly))
    return asked


def settings(tmp_path: pathlib.Path, **changes: object) -> fit.Config:
    fixed = {"data_dir": str(data.sample_dir() / "01Penguin")}
    return fit.Config(**{**fixed, "out": str(tmp_path / "d"), **changes})


def test_a_fit_leaves_a_detector_and_says_what_it_gave(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    fits: list[dict[str, Any]],
) -> None:
    fit.main(settings(tmp_path, preset="paper", seed=7))
    out, err = capsys.readouterr()
    assert "fitted 36 views, 4 kept apart: 20 Gaussians, PSNR 30.0 dB" in out
    assert "held-out good views: 4 of 4 found at their poses, their agreement" in out
    detector = Detector.load(tmp_path / "d")
    assert f"possible; scores above {detector.threshold:.6g} are defects" in out
    picture = tmp_path / "d" / "foreground.png"
    first, second = err.splitlines()
    assert first == "toy: odd"
    assert second.startswith("toy: the object is found by the plain background of the")
    assert second.endswith(f" %; see {picture}")
    with Image.open(picture) as sheet:
        # Six of the toy's photographs, four in a row.
        assert sheet.size == (4 * 168 + 8, 2 * (32 + 40) + 8)
    assert {path.name for path in (tmp_path / "d").iterdir()} == {
        "fit.json",
        "detector.json",
        "scene.ply",
        "arrays.safetensors",
        "foreground.png",
    }
    (asked,) = fits
    assert (asked["method"], asked["preset"], asked["seed"]) == ("best", "paper", 7)
    assert asked["checkpoint"] == tmp_path / "d" / "checkpoint"


def test_the_same_again_does_nothing(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    fits: list[dict[str, Any]],
) -> None:
    fit.main(settings(tmp_path))
    capsys.readouterr()
    fit.main(settings(tmp_path, backend="xla"))
    out = capsys.readouterr().out
    assert "--refit fits again" in out and "verdicts: possible" in out
    assert len(fits) == 1


def test_other_data_or_settings_are_never_taken_for_the_same(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    toy: ObjectSet,
    fits: list[dict[str, Any]],
) -> None:
    fit.main(settings(tmp_path))
    with pytest.raises(ConfigError, match=r"seed=0, now 1\); --refit replaces it"):
        fit.main(settings(tmp_path, seed=1))
    other = dataclasses.replace(toy, train_digest="second")
    monkeypatch.setattr(data, "load_object", lambda *_, **__: other)
    with pytest.raises(ConfigError, match="other photographs or poses"):
        fit.main(settings(tmp_path))
    fit.main(settings(tmp_path, refit=True))
    fit.main(settings(tmp_path))
    assert [asked["objects"].train_digest for asked in fits] == ["first", "second"]


def test_until_the_new_detector_is_there_the_old_one_serves(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit.main(settings(tmp_path))

    def diverge(*_: object, **__: object) -> None:
        raise NumericsError("diverged")

    monkeypatch.setattr(Detector, "fit", staticmethod(diverge))
    with pytest.raises(NumericsError):
        fit.main(settings(tmp_path, refit=True))
    assert Detector.load(tmp_path / "d").threshold is not None


def test_a_stopped_fit_is_taken_up_and_other_folders_are_refused(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / "d" / "checkpoint").mkdir(parents=True)
    (tmp_path / "d" / "foreground.png").write_bytes(b"of the fit that was stopped")
    fit.main(settings(tmp_path))
    assert not (tmp_path / "d" / "checkpoint").exists()
    mine = tmp_path / "photos"
    mine.mkdir()
    (mine / "a.jpg").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="holds 'a.jpg' and nothing of this command"):
        fit.main(settings(tmp_path, out=str(mine)))
    with pytest.raises(ConfigError, match="is a file"):
        fit.main(settings(tmp_path, out=str(mine / "a.jpg")))
    assert [path.name for path in mine.iterdir()] == ["a.jpg"]


def test_one_object_is_expected(tmp_path: pathlib.Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "transforms.json").write_text("{}")
    with pytest.raises(DataError, match=r"holds 2 objects \(a, b\), expected the fol"):
        fit.main(settings(tmp_path, data_dir=str(tmp_path)))


def test_why_there_are_no_verdicts_is_said(detector_folder: pathlib.Path) -> None:
    detector = Detector.load(detector_folder)
    known = detector._prepared
    empty = detector.method.calibrate.prepare(*[np.zeros(0, np.float32)] * 2)
    detector._known = dataclasses.replace(known, calibration=empty)
    assert "none of the 4 good views" in verdicts.why_none(detector)
    assert detector.fitted is not None
    detector.fitted = dataclasses.replace(detector.fitted, held_out=())
    assert "no good view was kept apart" in verdicts.why_none(detector)
    assert "verdicts: none are possible: no good" in verdicts.summary(detector)[-1]
