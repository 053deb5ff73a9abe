"""Distances in multiples of what is expected of a good object."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from jaxsplat.rendering.twin import Twin
from jaxsplat.scores import ExpectedDistance, ExpectedDistances, TopShare
from jaxsplat.scores import expected as module
from jaxsplat.scores import levels
from jaxsplat.scores.good_views import stacked
from tests.helpers import toy_detector, toy_object

COMPARE = ExpectedDistance(side=64)
VIEWS = toy_object.views(6)


@pytest.fixture(scope="module")
def twin() -> Twin:
    return toy_object.twin(toy_object.views(4))


@pytest.fixture(scope="module")
def state(twin: Twin) -> ExpectedDistances:
    with toy_detector.quick():
        return COMPARE.prepare(twin, VIEWS[:4], VIEWS[4:], jax.random.key(0))


@pytest.fixture(scope="module")
def shown() -> jax.Array:
    """Returns a photograph."""
    return jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]


def test_good_views_tell_what_is_expected(state: ExpectedDistances, twin: Twin) -> None:
    # Photographs of the toy are its renders, but for their rounding to bytes.
    assert state.usual.shape == state.variation.shape == state.outside.shape == (6,)
    assert (np.asarray(state.usual) > 0).all()
    assert state.painted.shape == (len(twin.gaussians.means), 6)
    # Gaussians that are hardly seen have the mean.
    assert np.isfinite(state.painted).all() and (np.asarray(state.painted) >= 0).all()


def test_what_few_views_saw_may_differ_more(twin: Twin) -> None:
    share = jnp.array([1.0, 0.25, 0.125, 0.0125])
    expected = [1 + 1 / 64, 1.25, 2.0, 101.0]
    np.testing.assert_allclose(module._growth(share), expected, rtol=1e-6)
    # A Gaussian is seen by all ten views, or by none, which counts as one.
    same = VIEWS[:1] * 10
    with toy_detector.quick():
        found = COMPARE.prepare(twin, same, (), jax.random.key(0))
        alone = COMPARE._painted(found.network, 64, twin, *stacked(twin, same))
    growth = np.asarray(found.painted / alone.painted)
    assert (np.isclose(growth, 1 + 1 / 64) | np.isclose(growth, 1 + 1.25**2)).all()
    assert 0 < np.isclose(growth[:, 0], 1 + 1.25**2).sum() < len(growth)


def test_a_change_stands_out_where_it_is(
    state: ExpectedDistances, twin: Twin, shown: jax.Array
) -> None:
    changed = shown.at[0, 12:20, 12:20].set(jnp.array([0.0, 0.0, 1.0]))
    both, known = jnp.concatenate([shown, changed]), jnp.tile(shown, (2, 1, 1, 1))
    maps = COMPARE(twin, state, both, known, toy_object.estimate_at(VIEWS[0], 2))
    assert maps.shape == (2, 64, 64)
    assert float(maps[1].max()) > 10 * float(maps[0].max())
    row, column = divmod(int(jnp.argmax(maps[1])), 64)
    assert 20 <= row <= 44 and 20 <= column <= 44


def test_a_change_ends_where_its_color_ends() -> None:
    changed = np.zeros((1, 100, 100), np.float32)
    changed[:, 40:60, 40:60] = 100.0
    felt = ndimage.gaussian_filter(changed, (0, 5, 5)) + 0.1
    seen = np.stack([felt] * 6)
    contrast = []
    for colors in (changed, np.zeros_like(changed)):
        stacked = np.stack([colors, colors])
        found = levels.Distances(*map(jnp.asarray, (seen, seen, stacked)))
        (joined,) = np.asarray(module._joined(found, jnp.ones_like(found.least), 400))
        contrast.append(joined[50, 57] / joined[50, 62])
    assert contrast[0] > 2 * contrast[1] > 2


def test_what_is_expected_there_counts_less(
    state: ExpectedDistances, twin: Twin, shown: jax.Array
) -> None:
    changed = shown.at[0, 12:20, 12:20].set(jnp.array([0.0, 0.0, 1.0]))
    peaks, estimate = [], toy_object.estimate_at(VIEWS[0], 1)
    for times in (1.0, 100.0):
        other = dataclasses.replace(state, painted=times * state.painted)
        peaks.append(float(COMPARE(twin, other, changed, shown, estimate).max()))
    assert peaks[1] < 0.5 * peaks[0]


def test_what_moved_by_a_little_is_not_different(
    state: ExpectedDistances, twin: Twin, shown: jax.Array
) -> None:
    moved = jnp.roll(shown, 1, axis=2)
    peaks, estimate = {}, toy_object.estimate_at(VIEWS[0], 1)
    for radius in (0, 2):
        part = dataclasses.replace(COMPARE, radius=radius)
        peaks[radius] = float(part(twin, state, moved, shown, estimate).max())
    assert peaks[2] < 0.5 * peaks[0]


def test_what_is_not_finite_spoils_only_its_own_map(
    state: ExpectedDistances, twin: Twin, shown: jax.Array
) -> None:
    broken = shown.at[0, 3, 3, 1].set(jnp.nan)
    both, known = jnp.concatenate([broken, shown]), jnp.tile(shown, (2, 1, 1, 1))
    maps = COMPARE(twin, state, both, known, toy_object.estimate_at(VIEWS[0], 2))
    assert np.isnan(maps[0]).all()
    assert np.isfinite(maps[1]).all()


def test_score_is_the_mean_of_the_highest() -> None:
    rng = np.random.default_rng(1)
    maps = rng.uniform(size=(3, 50, 40)).astype(np.float32)
    expected = np.sort(maps.reshape(3, -1), axis=1)[:, -20:].mean(axis=1)
    found = TopShare(0.01)(jnp.asarray(maps))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(TopShare()(jnp.full((1, 4, 4), jnp.nan))).all()
