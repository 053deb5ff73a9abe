"""Distances to the most similar feature nearby, and what they are measured by."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.data.views import posed_cameras
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.exposure import neutral
from jaxsplat.rendering.twin import Twin, make_twin
from jaxsplat.scores import NearbyDistance, TopShare, UsualDistances
from jaxsplat.scores.nearby import nearest_distance
from tests.helpers import toy_detector, toy_object

COMPARE = NearbyDistance(side=64)
# The distance does not look at poses.
NO_POSE = PoseEstimate(
    camera_from_world=jnp.zeros((2, 4, 4)),
    loss=jnp.zeros(2),
    steps=jnp.zeros(2, jnp.int32),
    outcome=jnp.zeros(2, jnp.int32),
    covariance=jnp.zeros((2, 6, 6)),
    exposure=neutral(jnp.ones(3)),
    needed=jnp.zeros(2, jnp.int32),
)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return make_twin(
        toy_object.cloud(),
        posed_cameras(toy_object.views(4)),
        center=np.zeros(3),
        background=toy_object.WHITE,
    )


@pytest.fixture(scope="module")
def state(twin: Twin) -> UsualDistances:
    with toy_detector.quick():
        return COMPARE.prepare(twin, toy_object.views(4), jax.random.key(0))


def brute(seen: np.ndarray, known: np.ndarray, radius: int) -> np.ndarray:
    """Returns the least distances, cell by cell."""
    height, width, _ = seen.shape
    least = np.full((height, width), np.inf)
    for row, column in np.ndindex(height, width):
        for y in range(row - radius, row + radius + 1):
            for x in range(column - radius, column + radius + 1):
                other = known[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
                distance = ((seen[row, column] - other) ** 2).sum()
                least[row, column] = min(least[row, column], distance)
    return least


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_least_distance_is_that_of_every_pair(radius: int) -> None:
    rng = np.random.default_rng(0)
    seen, known = rng.normal(size=(2, 2, 5, 7, 3)).astype(np.float32)
    found = nearest_distance(jnp.asarray(seen), jnp.asarray(known), radius)
    expected = [brute(a, b, radius) for a, b in zip(seen, known, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_good_views_have_the_usual_distance(twin: Twin, state: UsualDistances) -> None:
    # Photographs of the toy are its renders, but for their rounding to bytes.
    assert state.usual.shape == (4,)
    assert (np.asarray(state.usual) > 0).all()
    one = dataclasses.replace(state, usual=jnp.ones(4))
    shown = jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]
    changed = shown.at[0, 12:20, 12:20].set(jnp.array([0.0, 0.0, 1.0]))
    maps = COMPARE(
        twin,
        one,
        jnp.concatenate([shown, changed]),
        jnp.tile(shown, (2, 1, 1, 1)),
        NO_POSE,
    )
    assert maps.shape == (2, 64, 64)
    assert float(maps[1].max()) > 10 * float(maps[0].max())
    row, column = divmod(int(jnp.argmax(maps[1])), 64)
    assert 20 <= row <= 44 and 20 <= column <= 44


def test_what_moved_by_a_little_is_not_different(
    twin: Twin, state: UsualDistances
) -> None:
    state = dataclasses.replace(state, usual=jnp.ones(4))
    shown = jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]
    moved = jnp.roll(shown, 1, axis=2)
    peaks = {}
    for radius in (0, 2):
        part = dataclasses.replace(COMPARE, radius=radius)
        peaks[radius] = float(part(twin, state, moved, shown, NO_POSE).max())
    assert peaks[2] < 0.5 * peaks[0]


def test_what_is_not_finite_spoils_only_its_own_map(
    twin: Twin, state: UsualDistances
) -> None:
    shown = jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]
    broken = shown.at[0, 3, 3, 1].set(jnp.nan)
    maps = COMPARE(
        twin,
        state,
        jnp.concatenate([broken, shown]),
        jnp.tile(shown, (2, 1, 1, 1)),
        NO_POSE,
    )
    assert np.isnan(maps[0]).all()
    assert np.isfinite(maps[1]).all()


def test_score_is_the_mean_of_the_highest() -> None:
    rng = np.random.default_rng(1)
    maps = rng.uniform(size=(3, 50, 40)).astype(np.float32)
    expected = np.sort(maps.reshape(3, -1), axis=1)[:, -20:].mean(axis=1)
    np.testing.assert_allclose(TopShare(0.01)(jnp.asarray(maps)), expected, rtol=1e-6)
    assert np.isnan(TopShare()(jnp.full((1, 4, 4), jnp.nan))).all()
