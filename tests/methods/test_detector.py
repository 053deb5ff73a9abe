"""The detector: one photograph or many, saved and loaded, good and bad ones."""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import fitting, metrics
from jaxsplat.core import cameras
from jaxsplat.data.views import ObjectSet, View, posed_camera, posed_cameras
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.fitting import FitResult
from jaxsplat.methods import (
    Detector,
    Inspection,
    find_method,
    inspecting,
    preparing,
    scene_fit,
    programs,
)
from jaxsplat.pose import TRUSTED, Outcome, on_plain
from jaxsplat.scene.foreground import cut_out, find_foreground
from jaxsplat.scene.found import Foreground
from tests.helpers import toy_detector, toy_object
from tests.helpers.toy_detector import QUICK
from tests.helpers.toy_object import SIDE

Change = Callable[[np.ndarray, np.ndarray], np.ndarray]
TWO = dataclasses.replace(QUICK, batch=2)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector.load(toy_detector.saved(tmp_path_factory))


@pytest.fixture(scope="module")
def photos(objects: ObjectSet) -> list[np.ndarray]:
    """Returns three good photographs and one with a black mark."""
    good = [view.image for view in objects.train[5:8]]
    marred = objects.train[9].image.copy()
    marred[13:18, 13:18] = 0.0
    return [*good, marred]


@pytest.fixture(scope="module")
def found(detector: Detector, photos: list[np.ndarray]) -> list[Inspection]:
    return detector.inspect(photos)


def assert_same(one: Inspection, other: Inspection) -> None:
    """Checks that two findings are the same to the last bit, but for time and name."""
    for field in dataclasses.fields(Inspection):
        if field.name not in ("stage_seconds", "name"):
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name)
            )


def test_good_and_defective_photographs_are_told_apart(
    detector: Detector, found: list[Inspection]
) -> None:
    scores = [one.score for one in found]
    assert min(scores[3] - score for score in scores[:3]) > 0
    assert found[3].defective is True and found[3].p_value < 0.05
    assert detector.guarantee == pytest.approx(1 / 4)
    for one in found:
        assert one.outcome in (Outcome.CONVERGED, Outcome.MAX_STEPS)
        assert one.reason == "" and one.seconds > 0
        assert one.render is not None and one.render.shape == (32, 32, 3)
        assert one.anomaly_map is not None
        told = detector.method.score(jnp.asarray(one.anomaly_map)[None])
        assert float(told[0]) == pytest.approx(one.score, rel=1e-4)
        assert one.camera_from_world.shape == (4, 4)
        assert set(one.stage_seconds) == set(programs.STAGES)


def test_a_photograph_alone_has_the_numbers_that_it_has_among_others(
    detector: Detector, photos: list[np.ndarray], found: list[Inspection]
) -> None:
    for photo, one in zip(photos, found, strict=True):
        assert_same(detector.inspect([photo])[0], one)


@pytest.mark.usefixtures("unoptimised")
def test_full_groups_and_filled_up_ones_give_the_same_numbers(
    detector: Detector, photos: list[np.ndarray], tmp_path: pathlib.Path
) -> None:
    detector.save(tmp_path / "d")
    pairs = Detector.load(tmp_path / "d")
    pairs.method = dataclasses.replace(pairs.method, batch=2)
    together = pairs.inspect(photos[:3])
    for photo, one in zip(photos, together):
        assert_same(pairs.inspect([photo])[0], one)


def test_saved_and_loaded_it_gives_the_same_numbers_bit_for_bit(
    detector: Detector,
    photos: list[np.ndarray],
    found: list[Inspection],
    tmp_path: pathlib.Path,
) -> None:
    detector.save(tmp_path / "toy.detector")
    files = {path.name for path in (tmp_path / "toy.detector").iterdir()}
    assert files == {"scene.ply", "detector.json", "arrays.safetensors"}
    again = Detector.load(tmp_path / "toy.detector")
    assert again.method == detector.method and again.fitted == detector.fitted
    assert again.threshold == detector.threshold
    for one, other in zip(found, again.inspect(photos), strict=True):
        assert_same(one, other)
    again.save(tmp_path / "twice")
    for name in ("scene.ply", "arrays.safetensors"):
        first = (tmp_path / "toy.detector" / name).read_bytes()
        assert (tmp_path / "twice" / name).read_bytes() == first


def test_many_good_views_tell_what_it_costs_that_none_is_near(
    detector: Detector,
    objects: ObjectSet,
    photos: list[np.ndarray],
    tmp_path: pathlib.Path,
) -> None:
    fresh = dataclasses.replace(detector._prepared, nearness=None)
    (plain,) = inspecting.inspect(detector.method, fresh, photos[:1])
    cut = cut_out(objects.train, find_foreground(objects.train))
    unseen, seen = cut[:12], cut[12:]
    views = scene_fit.DividedViews(
        seen,
        objects.train[12:],
        unseen,
        objects.train[:12],
        Foreground("plain", 1.0, None),
    )
    inspect = inspecting.inspect

    def with_doubt(*asked: Any) -> list[Inspection]:
        """Returns much higher scores for views that the fit did not see."""
        names = {view.name for view in unseen}
        return [
            dataclasses.replace(one, score=one.score * (50 if one.name in names else 1))
            for one in inspect(*asked)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inspecting, "inspect", with_doubt)
        patch.setattr(preparing, "_SEEN_BESIDE", 4)
        known, names = preparing._calibrate(detector.method, fresh, views)
    assert known.nearness is not None and len(names) == 10
    poses = np.asarray(posed_cameras([seen[0], unseen[0]]).camera_from_world)
    factors = known.nearness.factor(poses)
    assert factors[0] == pytest.approx(1, abs=0.02) and factors[1] > 1.2
    other = Detector(detector.method)
    other._known, other.fitted = known, detector.fitted
    other.save(tmp_path / "d")
    for one in (other, Detector.load(tmp_path / "d")):
        again = one.inspect(photos[:1])[0]
        cost = known.nearness.factor(again.camera_from_world[None])[0]
        assert again.score == pytest.approx(plain.score / cost, rel=1e-5)
        np.testing.assert_allclose(
            again.anomaly_map, plain.anomaly_map / cost, rtol=1e-5
        )


def test_few_good_views_leave_what_distance_usually_costs(
    detector: Detector, objects: ObjectSet, photos: list[np.ndarray]
) -> None:
    known = detector._prepared
    assert detector.method.calibrate.are_few(len(known.calibration.scores))
    assert known.nearness is not None
    fresh = dataclasses.replace(known, nearness=None)
    (plain,) = inspecting.inspect(detector.method, fresh, photos[:1])
    (told,) = detector.inspect(photos[:1])
    centre = np.asarray(known.twin.center)
    fitted = [v for v in objects.train if v.name in detector.fitted.views]
    towards = [cameras.position(posed_camera(view)) - centre for view in fitted]
    asked = np.linalg.inv(told.camera_from_world)[:3, 3] - centre
    cosines = [a @ asked / np.linalg.norm(a) / np.linalg.norm(asked) for a in towards]
    assert max(cosines) < 0.999
    cost = np.exp(2 * np.arccos(max(cosines)))
    assert told.score == pytest.approx(plain.score / cost, rel=1e-3)


def test_another_method_uses_the_same_twin(
    detector: Detector, objects: ObjectSet, photos: list[np.ndarray]
) -> None:
    again = detector.with_method(detector.method, objects)
    assert again.twin is detector.twin
    assert again.threshold == detector.threshold
    assert again.quality == detector.quality
    assert_same(again.inspect(photos[3:])[0], detector.inspect(photos[3:])[0])
    strict = detector.method.set_params(calibrate__fpr=0.5)
    other = detector.with_method(strict, objects)
    assert other.method == strict and other.fitted is not None
    assert detector.threshold is not None and other.threshold is not None
    assert other.threshold < detector.threshold
    assert detector.fitted is not None
    assert other.fitted.seconds == detector.fitted.seconds


def test_another_method_needs_the_views_of_the_fit(
    detector: Detector, objects: ObjectSet
) -> None:
    less = dataclasses.replace(objects, train=objects.train[1:])
    with pytest.raises(ConfigError, match="fitted to other views"):
        detector.with_method("best", less)


def test_photographs_come_as_paths_bytes_numbers_and_views(
    detector: Detector, photos: list[np.ndarray], tmp_path: pathlib.Path
) -> None:
    whole = np.rint(255 * photos[0]).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), whole[..., ::-1])
    numbers = whole.astype(np.float32) / np.float32(255)
    opaque = np.concatenate([whole, np.full_like(whole[..., :1], 255)], axis=2)
    path = tmp_path / "a.png"
    items = [path, str(path), whole, numbers, opaque, View("v", numbers)]
    found = detector.inspect(items)
    for one in found[1:]:
        assert_same(found[0], one)
    assert [one.name for one in found] == [str(path), str(path), "2", "3", "4", "v"]


def test_alpha_is_put_over_the_background_of_the_object(
    detector: Detector, photos: list[np.ndarray]
) -> None:
    whole = np.rint(255 * photos[0]).astype(np.uint8)
    clear = (whole == 255).all(axis=2)
    alpha = np.where(clear, 0, 255).astype(np.uint8)[..., None]
    # What is below clear pixels does not count.
    cut = np.concatenate([np.where(clear[..., None], 7, whole), alpha], axis=2)
    plain, other = detector.inspect([whole, cut.astype(np.uint8)])
    assert_same(plain, other)


@pytest.mark.usefixtures("unoptimised")
def test_sizes_may_be_mixed(detector: Detector, photos: list[np.ndarray]) -> None:
    larger = cv2.resize(photos[0], (64, 64), interpolation=cv2.INTER_NEAREST)
    smaller = cv2.resize(photos[1], (24, 24), interpolation=cv2.INTER_AREA)
    found = detector.inspect([photos[0], smaller, larger, photos[1]])
    # A larger one is reduced to what the object was fitted at.
    assert_same(found[0], found[2])
    assert found[1].render is not None and found[1].render.shape == (24, 24, 3)
    poses = [found[i].camera_from_world for i in (1, 3)]
    np.testing.assert_allclose(poses[0], poses[1], atol=0.15)


def test_bad_photographs_are_findings_and_lose_no_other(
    detector: Detector,
    photos: list[np.ndarray],
    found: list[Inspection],
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / "text.png").write_text("no image")
    broken = photos[0].copy()
    broken[3, 4, 1] = np.nan
    items = {
        tmp_path / "text.png": Outcome.UNREADABLE,
        tmp_path / "none.png": Outcome.UNREADABLE,
        7: Outcome.UNREADABLE,
        "flat": Outcome.UNREADABLE,
        "scaled": Outcome.UNREADABLE,
        "nan": Outcome.NONFINITE,
        "wide": Outcome.WRONG_SHAPE,
        "tiny": Outcome.WRONG_SHAPE,
        "empty": Outcome.OUT_OF_VIEW,
    }
    arrays = {
        "flat": photos[0][..., 0],
        "scaled": 255 * photos[0],
        "nan": broken,
        "wide": np.ones((32, 48, 3), np.float32),
        "tiny": np.ones((8, 8, 3), np.float32),
        "empty": np.ones((32, 32, 3), np.float32),
    }
    told = detector.inspect([*(arrays.get(k, k) for k in items), photos[0]])
    assert [one.outcome for one in told[:-1]] == list(items.values())
    for one in told[:-1]:
        assert one.defective is None and one.p_value is None
        assert one.reason and "\n" not in one.reason
    assert "expected [h, w, 3]" in told[3].reason
    assert "values from" in told[4].reason
    assert "48x32, expected 32x32" in told[6].reason
    assert_same(told[-1], found[0])
    assert detector.predict([arrays["nan"], photos[3]]).tolist() == [0, -1]
    scores = detector.score_samples([arrays["nan"], photos[0]])
    assert np.isnan(scores[0]) and scores[1] == np.float32(found[0].score)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_the_twin_is_rendered_and_compared_in_the_photographs_exposure(
    detector: Detector, photos: list[np.ndarray], found: list[Inspection], gain: float
) -> None:
    changed = [np.clip(gain * photo, 0, 1).astype(np.float32) for photo in photos]
    seen = detector.inspect(changed)
    for one, other in zip(found[:3], seen[:3], strict=True):
        assert one.render is not None and other.render is not None
        assert np.abs(other.render - np.clip(gain * one.render, 0, 1)).mean() < 0.01
        # Not adjusted, the difference would be a fifth of every colour.
        assert np.abs(other.render - one.render).mean() > 0.01
    # The scores of good photographs stay far below a defect's.
    assert max(one.score for one in seen[:3]) < 0.02 * found[3].score
    assert seen[3].score > 0.5 * found[3].score


def _light_grey(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return image - (1 - alpha) * (1 - 211 / 255)


def _noisy(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    return _light_grey(image, alpha) + rng.normal(0, 3 / 255, image.shape)


def _vignetted(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE / 2) - 1
    return _light_grey(image, alpha) * (1 - 0.05 * (x * x + y * y) / 2)[..., None]


def _darker(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return 0.75 * image


@pytest.mark.parametrize("change", [_darker, _light_grey, _noisy, _vignetted])
def test_photographs_of_another_day_hold_pose_and_ranking(
    detector: Detector, objects: ObjectSet, photos: list[np.ndarray], change: Change
) -> None:
    """Light and background of a photograph are its own, whatever the fit's were."""
    shown = (5, 6, 7, 9)
    alphas = toy_object.views(40)
    changed = []
    for photo, index in zip(photos, shown, strict=True):
        alpha = alphas[index].alpha
        assert alpha is not None
        taken = change(photo, alpha[..., None])
        changed.append((np.rint(255 * taken.clip(0, 1)) / 255).astype(np.float32))
    told = detector.inspect(changed)
    assert told[3].defective is True
    assert max(one.score for one in told[:3]) < 0.02 * told[3].score
    for one, index in zip(told, shown, strict=True):
        assert one.outcome in TRUSTED
        camera = objects.train[index].camera
        assert camera is not None
        true = np.asarray(camera.camera_from_world)
        error = metrics.rotation_error(one.camera_from_world, true)
        assert np.degrees(error) < 4.0


def test_what_reaches_in_from_the_frame_takes_no_part(
    detector: Detector, photos: list[np.ndarray]
) -> None:
    """Something in front hides a part of the object; a defect elsewhere is seen."""
    good, marred = photos[1], photos[1].copy()
    mark = slice(13, 18), slice(13, 18)
    marred[mark] = 0.0
    behind, apart = [good.copy(), marred.copy()], good.copy()
    for photo in behind:
        photo[:10, 18:23] = [0.1, 0.7, 0.2]
    apart[8:13, 16:21] = [0.1, 0.7, 0.2]
    bare, bare_marred, clear, hit, own = detector.inspect(
        [good, marred, *behind, apart]
    )
    assert bare.hidden == bare_marred.hidden == 0
    for one in (clear, hit):
        assert one.outcome in TRUSTED and 0 < one.hidden < 0.3
    assert clear.score < 0.05 * bare_marred.score < 0.1 * hit.score
    heat = hit.anomaly_map
    assert heat is not None
    row, column = np.unravel_index(np.argmax(heat), heat.shape)
    place = row * SIDE / heat.shape[0], column * SIDE / heat.shape[1]
    assert all(at.start - 2 <= x <= at.stop + 2 for at, x in zip(mark, place))
    # What does not come from outside is the object's.
    assert own.hidden == 0 and own.score > 20 * max(bare.score, clear.score)


def test_what_has_the_backgrounds_colour_is_compared_as_it_was_taken(
    detector: Detector, photos: list[np.ndarray]
) -> None:
    """A part that was taken for background is no defect where the twin covers it."""
    known, taken = detector._known, photos[1]
    cut = taken.copy()
    cut[13:18, 13:18] = 0.85

    def score(whole: np.ndarray) -> float:
        images, wholes = (
            jnp.asarray(np.stack([image] * QUICK.together)) for image in (cut, whole)
        )
        seen = on_plain(images)
        _, judged, _ = programs.run(QUICK, known.twin, known.states, seen, wholes)
        return float(judged.scores[0])

    # Of the pose, which sees the photograph before its background, a little is left.
    assert score(taken) < 0.2 * score(cut)


def test_test_photographs_do_not_change_the_detector(
    detector: Detector,
    objects: ObjectSet,
    photos: list[np.ndarray],
    found: list[Inspection],
) -> None:
    darker = [0.75 * view.image for view in objects.train[:8]]
    test = tuple(View(f"test/{i}.png", image) for i, image in enumerate(darker))
    other = Detector.fit(dataclasses.replace(objects, test=test), QUICK, seed=3)
    np.testing.assert_array_equal(other.twin.background, detector.twin.background)
    assert other.threshold == detector.threshold
    for one, two in zip(found, other.inspect(photos), strict=True):
        assert_same(one, two)


def _other_things() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    white = np.ones((SIDE, SIDE, 3))
    return {
        "noise": rng.uniform(size=white.shape),
        "a box": np.where(np.maximum(abs(x), abs(y))[..., None] < 8, [0.8, 0, 0], 1.0),
        "a ball": np.where((x**2 + y**2)[..., None] < 100, [0.2, 0.3, 0.7], 1.0),
        "stripes": np.where((np.arange(SIDE) // 4 % 2)[:, None, None], white, 0.1),
    }


def test_other_things_are_not_this_object(detector: Detector) -> None:
    things = [image.astype(np.float32) for image in _other_things().values()]
    for name, one in zip(_other_things(), detector.inspect(things), strict=True):
        assert one.outcome == Outcome.NOT_THIS_OBJECT, name
        assert one.defective is None and one.p_value is None
        assert "Not this object: " in one.reason and "symmetric" not in one.reason


def test_an_object_is_found_among_other_things(
    detector: Detector, objects: ObjectSet
) -> None:
    """A border of one colour does not mean that nothing else stands before it."""
    # At 32 pixels the toy's pose before unknown surroundings is in doubt from some
    # sides; from these it is not.
    photos = [objects.train[index].image for index in (0, 1, 6)]
    crowded = [photo.copy() for photo in photos]
    for photo in crowded:
        photo[1:4, 1:31] = np.array([0.1, 0.3, 0.6])
        photo[28:31, 1:31] = np.array([0.6, 0.3, 0.1])
    alone, among = detector.inspect(photos), detector.inspect(crowded)
    for one, other in zip(alone, among, strict=True):
        assert one.beside < 0.01
        # They were looked at once more: what is beside is unknown then.
        assert np.isnan(other.beside)
        assert other.outcome in TRUSTED and other.agreement > 0.9
        error = metrics.rotation_error(one.camera_from_world, other.camera_from_world)
        assert np.degrees(error) < 12.0


def test_the_same_photograph_twice_has_the_same_finding(
    detector: Detector, photos: list[np.ndarray], found: list[Inspection]
) -> None:
    for one in detector.inspect([photos[3], photos[0], photos[3]])[::2]:
        assert_same(one, found[3])


def test_photographs_from_nearer_than_planned_get_longer_lists(
    detector: Detector,
    photos: list[np.ndarray],
    found: list[Inspection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cramped = Detector(QUICK)
    known = detector._prepared
    twin = dataclasses.replace(known.twin, capacity=known.twin.capacity // 12)
    cramped._known = dataclasses.replace(known, twin=twin)
    for one, other in zip(found, cramped.inspect(photos), strict=True):
        assert one.outcome == other.outcome
        np.testing.assert_allclose(one.render, other.render, atol=1e-4)
    # The lists were too short. A lower limit needs no programs of its own.
    monkeypatch.setattr(inspecting, "_MOST_GROWTH", 1)
    told = cramped.inspect(photos[:1])[0]
    assert told.outcome == Outcome.TOO_NEAR and told.defective is None


def test_forgotten_programs_are_compiled_again_before_the_clock_runs(
    detector: Detector, photos: list[np.ndarray], found: list[Inspection]
) -> None:
    assert detector.compile() == 0.0
    programs.forget_programs()
    again = detector.inspect(photos[:1])[0]
    assert_same(again, found[0])
    # Compiling takes seconds, running milliseconds.
    assert again.seconds < 2.0 and detector.compile() == 0.0


def test_settings_are_those_of_scikit_learn(objects: ObjectSet) -> None:
    detector = Detector(QUICK, seed=4)
    params = detector.get_params()
    assert params["seed"] == 4 and params["method__starts__k"] == 4
    assert "method__starts__k" not in detector.get_params(deep=False)
    with pytest.raises(ConfigError, match="not fitted"):
        detector.inspect([])
    assert detector.fit(objects) is detector and detector.inspect([]) == []
    assert detector.set_params(seed=4).inspect([]) == []
    with pytest.raises(ConfigError, match="colour: no such setting"):
        detector.set_params(colour=1)
    assert detector.set_params(method__starts__k=2, seed=5) is detector
    assert detector.get_params()["method__starts__k"] == 2
    assert detector.method.refine == QUICK.refine
    with pytest.raises(ConfigError, match="call fit"):
        detector.inspect([])


def test_fit_and_twin_have_one_background(
    objects: ObjectSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    quick = fitting.fit

    def fit(
        views: tuple[View, ...], background: object, *_: object, **__: object
    ) -> FitResult:
        # What is behind the object takes no part in the fit.
        assert all(view.alpha is not None for view in views)
        told.append(background)
        return quick(views, background)  # type: ignore[arg-type, call-arg]

    monkeypatch.setattr(fitting, "fit", fit)
    grey = dataclasses.replace(objects, background=(0.5, 0.25, 0.75))
    detector = Detector.fit(grey, QUICK, calibration_views=0)
    assert told == [(0.5, 0.25, 0.75)]
    np.testing.assert_array_equal(detector.twin.background, (0.5, 0.25, 0.75))


def test_where_the_object_was_found_is_told_before_the_fit(
    objects: ObjectSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Sequence[View], Foreground]] = []

    def stop(*_: object, **__: object) -> None:
        raise NumericsError("the fit began")

    monkeypatch.setattr(fitting, "fit", stop)
    with pytest.raises(NumericsError, match="the fit began"):
        Detector.fit(objects, QUICK, on_foreground=lambda *x: told.append(x))
    mask = np.zeros((32, 32), np.float32)
    mask[:8, :8] = 1
    corners = tuple(
        dataclasses.replace(view, foreground=np.roll(mask, 24 * (i % 2), (0, 1)))
        for i, view in enumerate(objects.train)
    )
    wrong = dataclasses.replace(objects, train=corners)
    with pytest.raises(DataError, match="of no one solid"):
        Detector(QUICK).fit(wrong, on_foreground=lambda *x: told.append(x))
    (views, right), (_, refused) = told
    assert views is objects.train
    assert right.coverage is not None and right.coverage.shape == (40, 32, 32)
    assert refused.confidence < 0.6 < right.confidence


def test_one_path_is_not_a_list_of_letters(detector: Detector) -> None:
    with pytest.raises(ConfigError, match="found one path"):
        detector.inspect("a.png")


def test_without_good_views_there_is_no_verdict(objects: ObjectSet) -> None:
    few = Detector.fit(objects, QUICK, calibration_views=0)
    assert few.threshold is None
    told = few.inspect([objects.train[0]])[0]
    assert told.outcome == Outcome.UNFIT and told.defective is None
    assert few.unfit in told.reason and "no good view was held back" in few.unfit
    assert np.isfinite(told.score)
    with pytest.raises(ConfigError, match="calibration_views: found -1"):
        Detector("best", calibration_views=-1)


@pytest.mark.usefixtures("unoptimised")
def test_what_few_views_do_not_show_withholds_verdicts(
    objects: ObjectSet, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit of four views shows something else from where none of them stood."""
    cloud = toy_object.cloud()
    wrong = dataclasses.replace(cloud, colors=cloud.colors[::-1])
    few = dataclasses.replace(objects, train=objects.train[::8])
    shown = FitResult(wrong, np.zeros(3), 1.0, 2.0, 40.0)
    monkeypatch.setattr(fitting, "fit", lambda *_, **__: shown)
    detector = Detector.fit(few, QUICK)
    assert "held-out good views" in detector.unfit
    assert "; 4 training views cannot show all sides" in detector.unfit
    told = detector.inspect(photos)
    assert {one.outcome for one in told} == {Outcome.UNFIT}
    assert {one.defective for one in told} == {one.p_value for one in told} == {None}
    assert all(detector.unfit in one.reason for one in told)


@pytest.mark.parametrize("name", ["scene.ply", "arrays.safetensors", "detector.json"])
def test_a_damaged_folder_is_refused(
    detector: Detector, tmp_path: pathlib.Path, name: str
) -> None:
    detector.save(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-9])
    with pytest.raises(DataError, match=name):
        Detector.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=name):
        Detector.load(tmp_path)


def test_a_folder_names_no_class_that_is_not_known(
    detector: Detector, tmp_path: pathlib.Path
) -> None:
    detector.save(tmp_path)
    path = tmp_path / "detector.json"
    record = json.loads(path.read_text())
    record["settings"]["dict"]["method"]["record"] = "Popen"
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="'Popen', which is not known here"):
        Detector.load(tmp_path)
    with pytest.raises(DataError, match="holds no detector"):
        Detector.load(tmp_path / "nothing")


def test_a_part_of_ones_own_must_be_made_known(
    objects: ObjectSet, tmp_path: pathlib.Path
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Mean:
        def __call__(self, maps: np.ndarray) -> np.ndarray:
            return maps.mean(axis=(1, 2))

    method = dataclasses.replace(find_method("best"), score=Mean(), refine=QUICK.refine)
    detector = Detector.fit(objects, method)
    told = detector.inspect([objects.train[3]])[0]
    assert told.anomaly_map is not None
    assert told.score == pytest.approx(float(told.anomaly_map.mean()), rel=1e-5)
    with pytest.raises(ConfigError, match="a Mean cannot be saved"):
        detector.save(tmp_path)


def exhausted() -> Exception:
    """Returns what XLA raises where memory does not suffice."""
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jnp.zeros(1 << 46, jnp.uint8).block_until_ready()
    return caught.value


def limited(
    function: Callable[..., Any], most: int, error: Exception
) -> Callable[..., Any]:
    """Returns a program that has the memory for so many photographs."""

    def call(*arguments: Any) -> Any:
        last = arguments[-2]  # before the mesh
        if (last if isinstance(last, int) else last.shape[0]) > most:
            raise error
        return function(*arguments)

    return call


@pytest.mark.parametrize("where", ["compile_programs", "run"])
def test_where_memory_runs_out_half_as_many_are_tried_once(
    detector: Detector,
    photos: list[np.ndarray],
    found: list[Inspection],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    error = exhausted()
    if where == "run":
        real = programs.compile_programs
        monkeypatch.setattr(
            programs,
            "compile_programs",
            lambda *given: 0.0 if given[-2] > 1 else real(*given),
        )
    program = getattr(programs, where)
    monkeypatch.setattr(programs, where, limited(program, 1, error))
    again = inspecting.inspect(TWO, detector._prepared, photos)
    for one, other in zip(again, found, strict=True):
        assert_same(one, other)
    monkeypatch.setattr(programs, where, limited(program, 0, error))
    words = "out of memory with 1 .* of 32x32 pixels at once, .* a smaller --size"
    with pytest.raises(NumericsError, match=words):
        inspecting.inspect(TWO, detector._prepared, photos)
    with pytest.raises(NumericsError, match=words):
        inspecting.inspect(QUICK, detector._prepared, photos)


def test_other_errors_of_programs_pass(
    detector: Detector, photos: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = jax.errors.JaxRuntimeError("INTERNAL: something else")
    monkeypatch.setattr(programs, "run", limited(programs.run, 0, error))
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        inspecting.inspect(QUICK, detector._prepared, photos)
