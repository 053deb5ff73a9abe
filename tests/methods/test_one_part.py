"""One verdict on a part that several photographs show, and where on it."""

import pathlib

import numpy as np
import pytest

from jaxsplat import write_splats
from jaxsplat.data.views import ObjectSet, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.methods import Detector, PartInspection
from jaxsplat.scene.pinhole import project_points
from jaxsplat.scene.splats import read_splats
from tests.helpers import toy_detector

# Where `toy_detector.pixels` puts its mark, in pixels.
MARK = 13, 18


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector.load(toy_detector.saved(tmp_path_factory))


def photos(objects: ObjectSet, *marred: int) -> list[np.ndarray]:
    """Returns photographs from four sides, some of them with a black mark."""
    sides = range(5, 9)
    return [toy_detector.pixels(objects, i, marred=i - 5 in marred) for i in sides]


@pytest.fixture(scope="module")
def good(detector: Detector, objects: ObjectSet) -> PartInspection:
    return detector.inspect_part(photos(objects))


@pytest.fixture(scope="module")
def bad(detector: Detector, objects: ObjectSet) -> PartInspection:
    return detector.inspect_part(photos(objects, 3))


def test_a_part_has_the_highest_score_of_its_photographs(
    detector: Detector, objects: ObjectSet, good: PartInspection, bad: PartInspection
) -> None:
    alone = detector.inspect(photos(objects))
    assert [one.score for one in good.photographs] == [one.score for one in alone]
    assert good.score == max(one.score for one in alone)
    assert good.judged == good.photographs and good.reason == ""
    assert bad.score == bad.photographs[3].score > good.score
    assert bad.defective is True


def test_a_part_of_many_photographs_is_held_to_what_many_good_ones_score(
    detector: Detector, bad: PartInspection
) -> None:
    # Of m held-out and p other good photographs, the highest is one of the p in p of
    # m + p cases.
    assert detector.fitted is not None
    m, p = len(detector.fitted.calibrated_on), 4
    assert bad.guarantee == pytest.approx(p / (m + p))
    assert bad.p_value < 0.05
    assert bad.threshold > detector.threshold


def test_scores_alone_give_the_same_verdict(
    detector: Detector, good: PartInspection, bad: PartInspection
) -> None:
    for part in (good, bad):
        told = detector.judge_part([one.score for one in part.photographs])
        for name, value in vars(told).items():
            assert getattr(part, name) == value
    nothing = detector.judge_part([])
    assert nothing.defective is None and np.isnan(nothing.score)


def test_the_anomaly_stands_where_the_mark_is(
    detector: Detector, objects: ObjectSet, good: PartInspection, bad: PartInspection
) -> None:
    assert good.anomalies.shape == (len(detector.twin.gaussians.means),)
    assert np.nanmax(bad.anomalies) > 2 * np.nanmax(good.anomalies)
    worst = int(np.nanargmax(bad.anomalies))
    means = np.asarray(detector.twin.gaussians.means)
    cameras = posed_cameras(objects.train[8:9])
    pixels, _ = project_points(means[worst : worst + 1], cameras, 0)
    assert (np.abs(pixels - np.mean(MARK)) < MARK[1] - MARK[0]).all()


def test_what_cannot_be_judged_takes_no_part(
    detector: Detector, objects: ObjectSet, good: PartInspection
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    white = np.full_like(noise, 255)
    told = detector.inspect_part([white, *photos(objects), noise])
    assert len(told.photographs) == 6 and told.judged == told.photographs[1:5]
    assert told.score == good.score and told.p_value == good.p_value
    np.testing.assert_array_equal(told.anomalies, good.anomalies)
    nothing = detector.inspect_part([white, white])
    assert nothing.defective is nothing.p_value is nothing.threshold is None
    assert np.isnan(nothing.score) and np.isnan(nothing.anomalies).all()
    assert "Out of view" in nothing.reason
    assert detector.inspect_part([]).reason == "No photograph was given."
    with pytest.raises(ConfigError, match="expected a list"):
        detector.inspect_part("a.jpg")


def test_anomalies_are_written_with_the_scene(
    detector: Detector, bad: PartInspection, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "part.ply"
    scene = detector.twin.gaussians
    write_splats(path, scene, {"anomaly": bad.anomalies})
    header, body = path.read_bytes().split(b"end_header\n")
    assert header.endswith(b"property float anomaly\n")
    live = np.asarray(scene.live)
    rows = np.frombuffer(body, "<f4").reshape(int(live.sum()), -1)
    np.testing.assert_array_equal(rows[:, -1], bad.anomalies[live].astype(np.float32))
    np.testing.assert_array_equal(read_splats(path).means, scene.means[live])
