"""Photographs that the first starts do not explain are sought from the second."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import metrics
from jaxsplat.data.views import ObjectSet
from jaxsplat.methods import Detector, Inspection, find_method, inspecting
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.methods.method import Method
from jaxsplat.pose import (
    TRUSTED,
    CoarsePoses,
    MatchStarts,
    Outcome,
    PoseEstimate,
    Starts,
    Unrefined,
)
from jaxsplat.pose.photographs import Photographs
from jaxsplat.rendering import motion
from tests.helpers import toy_detector


@dataclasses.dataclass(frozen=True)
class Away:
    """Starts that have the object behind the camera."""

    def prepare(self, twin: Any, views: Any, key: Any) -> tuple[()]:
        return ()

    def __call__(
        self, twin: Any, state: tuple[()], photographs: Photographs
    ) -> CoarsePoses:
        count = len(photographs.images)
        pose = jnp.eye(4).at[2, 3].set(-4.0)
        poses = jnp.broadcast_to(pose, (count, 2, 4, 4))
        return CoarsePoses(poses, jnp.zeros((count, 2)))


@dataclasses.dataclass(frozen=True)
class Aside:
    """Other starts, at which the object is turned by 31 degrees."""

    starts: Starts

    def prepare(self, twin: Any, views: Any, key: Any) -> Any:
        return self.starts.prepare(twin, views, key)

    def __call__(self, twin: Any, state: Any, photographs: Photographs) -> CoarsePoses:
        found = self.starts(twin, state, photographs)
        return found._replace(camera_from_world=aside(twin, found.camera_from_world))


@dataclasses.dataclass(frozen=True)
class RefinedAside(Unrefined):
    """A solver that turns the object by 31 degrees."""

    def __call__(
        self, twin: Any, state: tuple[()], photographs: Photographs, starts: Any
    ) -> PoseEstimate:
        return super().__call__(twin, state, photographs, aside(twin, starts))


def aside(twin: Any, poses: Any) -> jnp.ndarray:
    off = jnp.array([0.0, 0.0, 0.0, 0.4, 0.3, 0.2])
    return jnp.asarray(
        [[motion.moved_pose(one, off, twin.center) for one in each] for each in poses]
    )


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    return Detector.load(toy_detector.saved(tmp_path_factory))


def lost(detector: Detector, *, again: bool) -> tuple[Method, Prepared]:
    """Returns the detector's method and states with first starts that find nothing."""
    method, known = detector.method, detector._prepared
    second = method.starts if again else None
    states = dataclasses.replace(
        known.states, starts=(), second_starts=known.states.starts
    )
    return (
        dataclasses.replace(method, starts=Away(), second_starts=second),
        dataclasses.replace(known, states=states),
    )


def test_what_the_first_starts_lose_the_second_find(
    detector: Detector, objects: ObjectSet
) -> None:
    # Their poses are not in doubt where the surroundings are unknown.
    photos = [objects.train[index].image for index in (0, 1, 6)]
    empty = np.ones_like(photos[0])
    without = inspecting.inspect(*lost(detector, again=False), [*photos, empty])
    assert {one.outcome for one in without} == {Outcome.OUT_OF_VIEW}
    *found, none = inspecting.inspect(*lost(detector, again=True), [*photos, empty])
    assert none.outcome == Outcome.OUT_OF_VIEW and none.defective is None
    for one, other in zip(found, detector.inspect(photos), strict=True):
        assert one.outcome in TRUSTED and one.agreement > 0.9
        error = metrics.rotation_error(one.camera_from_world, other.camera_from_world)
        assert np.degrees(error) < 12.0
        assert one.stage_seconds["coarse"] > 0


def test_starts_that_found_nothing_leave_no_pose_to_trust(
    detector: Detector, objects: ObjectSet
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Nothing:
        """The detector's starts, which say of themselves that they are none."""

        def prepare(self, twin: Any, views: Any, key: Any) -> Any:
            return ()

        def __call__(
            self, twin: Any, state: Any, photographs: Photographs
        ) -> CoarsePoses:
            found = detector.method.starts(twin, state, photographs)
            return found._replace(costs=jnp.full_like(found.costs, jnp.inf))

    photo = objects.train[5].image
    (found,) = detector.inspect([photo])
    assert found.outcome in TRUSTED
    method = dataclasses.replace(detector.method, starts=Nothing())
    (found,) = inspecting.inspect(method, detector._prepared, [photo])
    assert found.outcome == Outcome.OUT_OF_VIEW and found.defective is None


def test_what_the_first_starts_find_is_not_sought_again(
    detector: Detector, objects: ObjectSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Method] = []
    look = inspecting._look

    def counted(method: Method, *rest: Any) -> dict[int, Inspection]:
        asked.append(method)
        return look(method, *rest)

    monkeypatch.setattr(inspecting, "_look", counted)
    method = dataclasses.replace(detector.method, second_starts=Away())
    (found,) = inspecting.inspect(method, detector._prepared, [objects.train[5].image])
    assert found.reason == "" and asked == [method]


def test_what_is_unlike_the_object_is_refined_once_more(
    detector: Detector, objects: ObjectSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    look = inspecting._look

    def counted(method: Method, known: Prepared, group: Any) -> dict[int, Inspection]:
        asked.append(len(group))
        return look(method, known, group)

    monkeypatch.setattr(inspecting, "_look", counted)
    right, refine = objects.train[5].image, detector.method.refine
    method = dataclasses.replace(
        detector.method,
        starts=Aside(detector.method.starts),
        refine=Unrefined(),
        second_refine=refine,
    )
    (first,) = inspecting.inspect(
        dataclasses.replace(method, second_refine=None), detector._prepared, [right]
    )
    (found,) = inspecting.inspect(method, detector._prepared, [right])
    quality = detector._prepared.quality
    assert quality.is_doubtful(first.agreement)
    assert found.agreement > first.agreement and not quality.is_doubtful(1.0)
    assert found.outcome in TRUSTED
    # The first look alone, then both.
    assert asked == [1, 1, 1]
    # Once it is like the object there is no second look.
    both = dataclasses.replace(detector.method, second_refine=refine)
    (sure_one,) = inspecting.inspect(both, detector._prepared, [right])
    assert sure_one.outcome in TRUSTED and len(asked) == 4


def test_a_worse_pose_of_the_second_refinement_is_not_taken(
    detector: Detector, objects: ObjectSet
) -> None:
    first = dataclasses.replace(
        detector.method, starts=Aside(detector.method.starts), refine=Unrefined()
    )
    (alone,) = inspecting.inspect(first, detector._prepared, [objects.train[5].image])
    assert detector._prepared.quality.is_doubtful(alone.agreement)
    second = dataclasses.replace(first, second_refine=RefinedAside())
    (there,) = inspecting.inspect(
        dataclasses.replace(first, refine=RefinedAside()),
        detector._prepared,
        [objects.train[5].image],
    )
    assert there.agreement < alone.agreement
    (both,) = inspecting.inspect(second, detector._prepared, [objects.train[5].image])
    np.testing.assert_array_equal(both.camera_from_world, alone.camera_from_world)
    assert both.agreement == alone.agreement


def test_best_has_second_starts_and_fast_none() -> None:
    second = find_method("best").second_starts
    assert isinstance(second, MatchStarts) and second.pnp
    assert find_method("best", "fast").second_starts is None
