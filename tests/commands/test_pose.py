"""The benchmark of poses: its numbers, its tables, and one small run of the command."""

import dataclasses
import json
import math
import pathlib

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import data, features, fitting, metrics
from jaxsplat.commands import endings, pose
from jaxsplat.core import se3
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import DataError
from jaxsplat.fitting import FitResult
from jaxsplat.study import basin, pose_errors, posing
from jaxsplat.study.posing import Posed
from tests.helpers import toy_detector, toy_object
from tests.helpers.networks import SMALL, by_formula

CENTER = np.array([0.1, -0.2, 0.05])


def posed() -> Posed:
    poses = np.stack(
        [np.asarray(c.camera_from_world) for c in toy_object.cameras_around(4)]
    )
    camera = toy_object.cameras_around(4)[0]
    good = np.array([True, True, False, False])
    photos = np.zeros((4, camera.height, camera.width, 3), np.float32)
    return Posed(photos, poses, good, camera)


def test_errors_of_known_motions() -> None:
    truth = posed()
    turns = [0.0, 0.01, 0.1, 0.2]  # radians about the first axis
    found = []
    for turn, matrix in zip(turns, truth.poses, strict=True):
        motion = np.asarray(se3.exp(jnp.array([0, 0, 0, turn, 0, 0])))
        about = matrix[:3, :3] @ CENTER + matrix[:3, 3]
        pose_ = motion @ matrix
        pose_[:3, 3] = motion[:3, :3] @ (matrix[:3, 3] - about) + about
        found.append(pose_)
    row = pose_errors.row(jnp.asarray(np.stack(found)), truth, CENTER, 2.0)
    assert row["rotation_deg_median"] == pytest.approx(math.degrees(0.055), rel=1e-3)
    assert row["rotation_rad_mean"] == pytest.approx(0.0775, rel=1e-3)
    assert row["good_rotation_deg_median"] == pytest.approx(
        math.degrees(0.005), rel=1e-3
    )
    # Turning what is seen moves the camera along a chord of the same angle.
    assert row["translation_rel_p95"] > 0.15
    assert row["success_rate"] == 0.5  # .01 rad is .57 degrees, its chord below 1 %
    assert row["seconds_per_query"] == 0.5


def test_some_photographs_are_taken_again() -> None:
    some = posed().taken([0, 3, 0])
    assert some.good.tolist() == [True, False, True]
    np.testing.assert_array_equal(some.poses[2], some.poses[0])


@pytest.mark.parametrize(("degrees", "share"), [(5, 0.0), (0, 0.2), (60, 0.4)])
def test_starts_are_off_by_what_is_asked(degrees: float, share: float) -> None:
    truth = posed().poses[1]
    start = basin.away(truth, CENTER, degrees, share, np.random.default_rng(0))
    turn = metrics.rotation_error(start, truth)
    assert math.degrees(turn) == pytest.approx(degrees, abs=1e-3)
    before, after = (m[:3, :3] @ CENTER + m[:3, 3] for m in (truth, start))
    assert np.linalg.norm(after - before) == pytest.approx(
        share * np.linalg.norm(before), abs=1e-5
    )


def test_tables_have_a_line_for_each_way_and_say_what_is_published() -> None:
    row = pose_errors.row(jnp.asarray(posed().poses), posed(), CENTER)
    errors = {"a": {"lm": row | {pose_errors.SECONDS: 1.25}, "all": row}}
    lines = pose_errors.table(errors).splitlines()
    assert len(lines) == 3 and "1.250" in lines[1] and "100.0" in lines[2]
    lines = pose_errors.published_table(errors).splitlines()
    assert sum("measured" in line for line in lines) == 1
    assert sum("published" in line for line in lines) == 6


@pytest.mark.slow
def test_the_command_asks_for_held_out_views(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = toy_object.views(10, alpha=False)
    camera = views[0].camera
    assert camera is not None
    objects = ObjectSet("toy", "toy", views, (), camera, toy_object.WHITE)
    fitted: list[str] = []

    def fit(chosen: tuple[View, ...], *_: object, **__: object) -> FitResult:
        fitted.extend(view.name for view in chosen)
        return FitResult(toy_object.cloud(), np.zeros(3), 0.0, 0.0, 20.0)

    monkeypatch.setattr(data, "resolve_categories", lambda *_: [tmp_path / "toy"])
    monkeypatch.setattr(data, "load_object", lambda *_, **__: objects)
    monkeypatch.setattr(fitting, "fit", fit)
    # The benchmark asks of the twin what the detector's own parts would.
    monkeypatch.setattr(pose, "find_method", lambda *_: toy_detector.QUICK)
    monkeypatch.setattr(posing, "SOLVER", toy_detector.QUICK.refine)
    monkeypatch.setattr(features, "load_network", lambda *_: by_formula(SMALL))
    monkeypatch.setattr(basin, "DEGREES", (1,))
    monkeypatch.setattr(basin, "PERCENT", (1,))
    out = tmp_path / "out"
    config = pose.Config(
        out=str(out),
        holdout=0.2,
        adam_steps=2,
        disturb=False,
        batches=(2,),
        basin=1,
    )
    pose.main(config)
    assert len(set(fitted)) == 8
    record = json.loads((out / "pose.json").read_text())
    found = record["categories"]["toy"]
    assert set(found["errors"]) == {
        "coarse",
        "lm",
        "silhouettes",
        "lm_silhouettes",
        "adam_screw",
    }
    lm, start = found["errors"]["lm"], found["errors"]["coarse"]
    assert lm["queries"] == 2 and 0 < lm["seconds_per_query"]
    assert lm["rotation_deg_mean"] < start["rotation_deg_mean"]
    assert found["seconds_per_query"]["2"] > 0
    assert found["basin"]["success_rate"] == [[1.0]]
    assert record["published"]["SplatPose"]["mad"] == [0.094, 0.04]
    assert record["versions"]["device"]

    def refuse(*_: object, **__: object) -> None:
        raise DataError("fitted again")

    # Another object of the same name is not measured with this one's scene.
    other = dataclasses.replace(objects, train_digest="other")
    monkeypatch.setattr(data, "load_object", lambda *_, **__: other)
    monkeypatch.setattr(fitting, "fit", refuse)
    assert pose.main(config) == endings.FINISHED_WITH_FAILURES
    record = json.loads((out / "pose.json").read_text())
    assert record["failed"] == {"toy": "fitted again"} and not record["categories"]


def test_the_basin_is_drawn(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    rates = np.linspace(0, 1, len(basin.DEGREES) * len(basin.PERCENT))
    found = {"success_rate": rates.reshape(len(basin.DEGREES), -1).tolist()}
    basin.draw(found, "toy", tmp_path / "new" / "basin.png")
    assert cv2.imread(str(tmp_path / "new" / "basin.png")).std() > 10
