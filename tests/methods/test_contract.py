"""What every registered method, and every part, does with a small object."""

import dataclasses
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.data.views import ObjectSet, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.matchers import registry
from jaxsplat.methods import METHODS, find_method, storage
from jaxsplat.methods.depth_comparison import DepthComparison
from jaxsplat.methods.registry import MethodName
from jaxsplat.pose.parts import Refine, Starts
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.parts import Calibrate, Compare, Score
from tests.helpers import toy_detector, toy_object

NAMED = [(name, preset) for name, presets in METHODS.items() for preset in presets]
STARTS: list[Starts] = [
    pose.GalleryStarts(k=2),
    pose.SilhouetteStarts(k=2),
    toy_detector.REGRESSED,
    pose.MatchStarts(k=2, keypoints=32, shortlist=4),
    pose.MatchStarts(k=2, keypoints=32, shortlist=4, pnp=True),
    pose.MaskStarts(k=2),
]
REFINE: list[Refine] = [
    pose.Lm((pose.Stage(1, 1, 4, 1.0),)),
    pose.AdamScrew(steps=3, side=20),
    pose.AdamView(steps=2, every=1, keypoints=32, side=20),
    pose.Unrefined(),
    pose.MaskRefine(pose.Lm((pose.Stage(1, 1, 4, 1.0),))),
]
COMPARE: list[Compare] = [
    find_method("best").compare,
    find_method("splatpose", "fast").compare,
    find_method("igspad", "fast").compare,
    toy_detector.DEPTH,
]
# Those that train or match with whole networks take minutes to compile.
SLOW = (pose.AdamView, pose.MatchStarts, pose.RegressedStarts, DepthComparison)


def parts(*every: Any) -> list[Any]:
    """Returns parts as parameters of a test."""
    return [
        pytest.param(part, marks=[pytest.mark.slow] * isinstance(part, SLOW))
        for part in every
    ]


# The second good photograph: asked for alike, tests share one compiled program.
ALONE = slice(1, 2)


class Ready(NamedTuple):
    """A twin and photographs of it: two good ones, an empty one, a broken one."""

    twin: Twin
    photographs: jax.Array
    truth: jax.Array


@pytest.fixture(scope="module")
def ready(objects: ObjectSet) -> Ready:
    views = objects.train
    twin = toy_object.twin(views)
    good = np.stack([view.image for view in views[10:12]])
    empty, broken = np.ones_like(good[:1]), np.full_like(good[:1], np.nan)
    truth = posed_cameras(views[10:12]).camera_from_world
    return Ready(twin, jnp.asarray(np.concatenate([good, empty, broken])), truth)


def arguments(part: Any, ready: Ready, rows: slice) -> tuple[Any, ...]:
    """Returns what a part is called with, after its state, for some photographs."""
    images = ready.photographs[rows]
    photographs = pose.on_plain(images)
    starts = jnp.concatenate([ready.truth, ready.truth])[rows, None]
    if part in REFINE:
        return photographs, starts
    if part in COMPARE:
        estimate = REFINE[0](ready.twin, (), photographs, starts)
        return images, 0.9 * images, estimate
    return (photographs,)


def called(part: Any, ready: Ready, state: Any, rows: slice) -> Any:
    """Returns what a part finds about some of the photographs."""
    return part(ready.twin, state, *arguments(part, ready, rows))


@pytest.fixture(
    scope="module",
    params=parts(*STARTS, *REFINE, *COMPARE),
    ids=lambda part: type(part).__name__,
)
def prepared(
    request: pytest.FixtureRequest, ready: Ready, objects: ObjectSet
) -> tuple[Any, Any]:
    """Returns a part and its state."""
    part, key = request.param, jax.random.key(0)
    if part in COMPARE:
        unseen = objects.train[:1]
        return part, part.prepare(ready.twin, objects.train[1:], unseen, key)
    return part, part.prepare(ready.twin, objects.train, key)


def assert_alike(one: Any, other: Any, **tolerance: float) -> None:
    """Checks two trees of arrays, where NaN is like NaN."""
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), **tolerance)


def test_a_state_is_arrays_that_come_back_from_a_file_bit_for_bit(
    prepared: tuple[Any, Any],
) -> None:
    part, state = prepared
    arrays: storage.Arrays = {}
    node = storage.encode({"part": part, "state": state}, arrays)
    again = storage.decode(node, arrays, "here")
    assert again["part"] == part and hash(again["part"]) == hash(part)
    assert jax.tree.structure(again["state"]) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(again["state"])):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_jit_changes_nothing(prepared: tuple[Any, Any], ready: Ready) -> None:
    part, state = prepared
    given = arguments(part, ready, ALONE)
    eager = part(ready.twin, state, *given)
    jitted = jax.jit(lambda state, given: part(ready.twin, state, *given))(state, given)
    assert_alike(jitted, eager, rtol=1e-3, atol=1e-3)


def test_a_photograph_alone_is_as_in_a_batch_and_bad_ones_harm_only_themselves(
    prepared: tuple[Any, Any], ready: Ready
) -> None:
    part, state = prepared
    batch = called(part, ready, state, slice(0, 4))
    alone = called(part, ready, state, ALONE)
    inside = jax.tree.map(lambda leaf: leaf[1:2], batch)
    # Adam divides by the small gradients of a saddle: sums in another order show.
    assert_alike(inside, alone, rtol=1e-2, atol=2e-3)
    good = jax.tree.map(lambda leaf: leaf[:2], batch)
    if isinstance(good, pose.PoseEstimate):
        # Not every solver has one.
        known = jnp.nan_to_num(good.covariance)
        good = dataclasses.replace(good, covariance=known)
    for leaf in jax.tree.leaves(good):
        assert not jnp.isnan(leaf).any()


@pytest.mark.parametrize(
    "part", parts(*STARTS, *REFINE), ids=lambda part: type(part).__name__
)
def test_a_photograph_without_object_is_told(
    part: Any, ready: Ready, objects: ObjectSet
) -> None:
    state = part.prepare(ready.twin, objects.train, jax.random.key(0))
    found = called(part, ready, state, slice(0, 4))
    if isinstance(found, pose.PoseEstimate):
        assert int(found.outcome[2]) == pose.Outcome.OUT_OF_VIEW
        assert int(found.outcome[3]) == pose.Outcome.NONFINITE
    else:
        assert np.isfinite(found.camera_from_world).all()
        assert (np.diff(found.costs[:2], axis=1) >= 0).all()


def test_what_a_photograph_should_show_can_be_differentiated(ready: Ready) -> None:
    solver = REFINE[0]
    photographs = pose.on_plain(ready.photographs[:1])
    estimate = solver(ready.twin, (), photographs, ready.truth[:1, None])

    def brightness(means: jax.Array, colors: jax.Array, shift: jax.Array) -> jax.Array:
        cloud = dataclasses.replace(ready.twin.gaussians, means=means, colors=colors)
        poses = estimate.camera_from_world.at[:, :3, 3].add(shift)
        moved = dataclasses.replace(estimate, camera_from_world=poses)
        twin = dataclasses.replace(ready.twin, gaussians=cloud)
        shown = pose.expected_photographs(twin, photographs, moved)
        return jnp.mean(shown.images**2)

    cloud = ready.twin.gaussians
    slopes = jax.grad(brightness, argnums=(0, 1, 2))(
        cloud.means, cloud.colors, jnp.zeros(3)
    )
    for slope in slopes:
        assert np.isfinite(slope).all() and np.abs(np.asarray(slope)).max() > 0


@pytest.mark.parametrize(("name", "preset"), NAMED)
def test_a_method_is_settings_that_can_be_named_hashed_and_changed(
    name: str, preset: str
) -> None:
    method = find_method(name, preset)
    assert method.name == name and hash(method) == hash(find_method(name, preset))
    for part, kind in (
        (method.starts, Starts),
        (method.refine, Refine),
        (method.compare, Compare),
        (method.score, Score),
        (method.calibrate, Calibrate),
    ):
        assert isinstance(part, kind) and dataclasses.is_dataclass(part)
    params = method.get_params()
    assert params["starts__k"] == method.starts.k  # type: ignore[attr-defined]
    assert method.set_params(**params) == method
    changed = method.set_params(starts__k=7, batch=3)
    assert changed.get_params()["starts__k"] == 7 and changed.together == 3
    arrays: storage.Arrays = {}
    node = storage.encode(changed, arrays)
    assert not arrays and storage.decode(node, {}, "here") == changed


def test_what_matches_features_can_be_stored() -> None:
    for entry in (*registry.DETECTORS.values(), *registry.MATCHERS.values()):
        node = storage.encode(entry.config, {})
        assert storage.decode(node, {}, "here") == entry.config


def test_only_published_methods_scale_over_the_test_set() -> None:
    scaled = {n for n, p in NAMED if find_method(n, p).scaled_over_test_set}
    assert scaled == {"splatpose", "rpe_pad"}


def test_every_method_can_be_asked_for_by_name() -> None:
    assert set(get_args(MethodName)) == set(METHODS)


def test_wrong_names_and_settings_are_told() -> None:
    with pytest.raises(ConfigError, match="method 'worst': expected one of best"):
        find_method("worst")
    with pytest.raises(ConfigError, match="preset 'slow': expected one of fast"):
        find_method("best", "slow")
    for setting in ("starts__colour", "colour", "batch__x"):
        with pytest.raises(ConfigError, match=f"{setting}: no such setting"):
            find_method("best").set_params(**{setting: 1})
    with pytest.raises(ConfigError, match="k: found 0"):
        find_method("best").set_params(starts__k=0)
    with pytest.raises(ConfigError, match="batch: found 0"):
        find_method("best").set_params(batch=0)
