"""What scores mean beside those of good views."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.scores import Conformal

_NONE = np.zeros(0, np.float32)


def test_good_scores_set_the_threshold_and_the_p_values() -> None:
    calibrate = Conformal()
    state = calibrate.prepare(np.array([3.0, 1.0, 2.0], np.float32), _NONE)
    assert calibrate.threshold(state) == 3.0
    assert calibrate.guarantee(state) == pytest.approx(0.25)
    told = calibrate(state, jnp.array([0.5, 2.0, 3.0, 3.5]))
    assert told.defective.tolist() == [False, False, False, True]
    np.testing.assert_allclose(told.p_values, [1.0, 0.75, 0.5, 0.25])
    nothing = calibrate.prepare(_NONE, _NONE)
    assert calibrate.threshold(nothing) is calibrate.guarantee(nothing) is None


@pytest.mark.parametrize(
    ("count", "fpr", "rank", "guarantee"),
    [
        (19, 0.05, 19, 0.05),
        (39, 0.05, 38, 0.05),
        (9, 0.3, 7, 0.3),
        (20, 0.05, 20, 1 / 21),
    ],
)
def test_as_many_views_as_it_takes_promise_what_is_asked(
    count: int, fpr: float, rank: int, guarantee: float
) -> None:
    calibrate = Conformal(fpr)
    state = calibrate.prepare(np.arange(count, 0, -1).astype(np.float32), _NONE)
    assert calibrate.threshold(state) == rank
    assert calibrate.guarantee(state) == pytest.approx(guarantee)


def test_good_photographs_are_called_defective_as_often_as_promised() -> None:
    calibrate, rng = Conformal(0.1), np.random.default_rng(0)
    scores = rng.lognormal(size=(4000, 15)).astype(np.float32)
    alarms = []
    for row in scores:
        state = calibrate.prepare(row[:14], _NONE)
        alarms.append(row[14] > calibrate.threshold(state))
    # 1 / 15, with a standard deviation of .004.
    assert np.mean(alarms) == pytest.approx(1 / 15, abs=0.012)
    assert np.mean(alarms) <= 0.1


def test_parts_of_several_photographs_are_called_as_often_as_promised() -> None:
    calibrate, rng = Conformal(0.1), np.random.default_rng(1)
    scores = rng.lognormal(size=(4000, 60)).astype(np.float32)
    for together in (2, 5):
        held_out, part = scores[:, :50], scores[:, 50 : 50 + together]
        alarms, low = [], []
        for row, highest in zip(held_out, part.max(axis=1), strict=True):
            state = calibrate.prepare(row, _NONE)
            told = calibrate(state, jnp.array([highest]), together)
            assert bool(told.defective[0]) == (told.p_values[0] <= 0.1 + 1e-6)
            alarms.append(bool(told.defective[0]))
            low.append(told.p_values[0] <= 0.5)
        promised = calibrate.guarantee(state, together)
        assert promised <= 0.1 < calibrate.guarantee(state, 30)
        # A standard deviation is .005 and .008.
        assert np.mean(alarms) == pytest.approx(promised, abs=0.015)
        assert np.mean(low) <= 0.5 + 0.025


def test_a_verdict_is_what_the_p_value_says() -> None:
    calibrate = Conformal(0.2)
    state = calibrate.prepare(np.arange(9, dtype=np.float32), _NONE)
    told = calibrate(state, jnp.arange(-1.0, 10.0, 0.5))
    np.testing.assert_array_equal(told.defective, told.p_values <= 0.2 + 1e-6)


def test_a_share_is_a_share() -> None:
    with pytest.raises(ConfigError, match="fpr: found 1.0, expected in"):
        Conformal(1.0)


# One view hardly tells what not being seen costs, nor so how it varies.
@pytest.mark.parametrize(("count", "most"), [(1, 0.15), (2, 0.1), (3, 0.1), (5, 0.1)])
@pytest.mark.parametrize("cost", [0.1, 0.8, 2.0])
def test_few_views_and_those_that_the_fit_saw_keep_false_alarms_near_the_share(
    count: int, most: float, cost: float
) -> None:
    calibrate, rng = Conformal(0.05), np.random.default_rng(2)
    alarms, alone = [], []
    for _ in range(400):
        seen = np.exp(rng.normal(0.5, 0.25, 12))
        costs = rng.normal(cost, np.sqrt(cost / 4), count + 1)
        unseen = np.exp(rng.normal(0.5, 0.25, count + 1) + costs).astype(np.float32)
        state = calibrate.prepare(unseen[1:], seen.astype(np.float32))
        threshold = calibrate.threshold(state)
        assert threshold >= unseen[1:].max()
        assert calibrate.guarantee(state) == pytest.approx(1 / (count + 1))
        alarms.append(unseen[0] > threshold)
        alone.append(unseen[0] > unseen[1:].max())
    assert 0.01 < np.mean(alarms) < most
    assert np.mean(alone) == pytest.approx(1 / (count + 1), abs=0.08)


@pytest.mark.parametrize("photographs", [1, 5])
def test_with_few_views_too_a_verdict_is_what_the_p_value_says(
    photographs: int,
) -> None:
    calibrate = Conformal()
    seen = np.array([1.0, 1.2, 0.9, 1.4, 1.1], np.float32)
    # Alike, and with one that stands out, which no normal distribution would allow.
    for good in ([2.0, 2.1], [2.0, 2.0, 2.0, 40.0]):
        state = calibrate.prepare(np.array(good, np.float32), seen)
        scores = jnp.geomspace(0.5, 100.0, 200)
        told = calibrate(state, scores, photographs)
        threshold = calibrate.threshold(state, photographs)
        np.testing.assert_array_equal(told.defective, scores > threshold)
        np.testing.assert_array_equal(told.defective, told.p_values <= 0.05 + 1e-6)
        assert (np.diff(told.p_values) <= 1e-6).all()
        assert 0 <= told.p_values.min() < 0.01 < 0.9 < told.p_values.max() <= 1


def test_the_model_is_the_closed_form() -> None:
    calibrate = Conformal()
    good, seen = np.array([3.0, 4.0]), np.array([1.0, 1.5, 2.0])
    state = calibrate.prepare(good.astype(np.float32), seen.astype(np.float32))
    level = np.log(good).mean()
    cost = level - np.log(seen).mean()
    spread = np.sqrt((np.log(seen).var(ddof=1) + cost / 4) * 1.5)
    # The normal distribution's .95 and .95 ** (1 / 5).
    for together, quantile in ((1, 1.6448536), (5, 2.3186793)):
        expected = np.exp(level + quantile * spread)
        assert calibrate.threshold(state, together) == pytest.approx(expected, rel=1e-5)


def test_scores_without_logarithm_and_many_views_are_told_by_their_order() -> None:
    calibrate, seen = Conformal(), np.array([1.0, 2.0], np.float32)
    state = calibrate.prepare(np.array([0.0, 2.0], np.float32), seen)
    assert calibrate.threshold(state) == 2.0
    assert [calibrate.are_few(count) for count in (0, 1, 8, 9, 20)] == [
        False,
        True,
        True,
        False,
        False,
    ]
