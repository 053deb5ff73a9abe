"""What scores mean beside those of good views."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.scores import Conformal


def test_good_scores_set_the_threshold_and_the_p_values() -> None:
    calibrate = Conformal()
    state = calibrate.prepare(np.array([3.0, 1.0, 2.0], np.float32))
    assert calibrate.threshold(state) == 3.0
    assert calibrate.guarantee(state) == pytest.approx(0.25)
    told = calibrate(state, jnp.array([0.5, 2.0, 3.0, 3.5]))
    assert told.defective.tolist() == [False, False, False, True]
    np.testing.assert_allclose(told.p_values, [1.0, 0.75, 0.5, 0.25])
    nothing = calibrate.prepare(np.zeros(0, np.float32))
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
    state = calibrate.prepare(np.arange(count, 0, -1).astype(np.float32))
    assert calibrate.threshold(state) == rank
    assert calibrate.guarantee(state) == pytest.approx(guarantee)


def test_good_photographs_are_called_defective_as_often_as_promised() -> None:
    calibrate, rng = Conformal(0.1), np.random.default_rng(0)
    scores = rng.lognormal(size=(4000, 15)).astype(np.float32)
    alarms = []
    for row in scores:
        state = calibrate.prepare(row[:14])
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
            state = calibrate.prepare(row)
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
    state = calibrate.prepare(np.arange(9, dtype=np.float32))
    told = calibrate(state, jnp.arange(-1.0, 10.0, 0.5))
    np.testing.assert_array_equal(told.defective, told.p_values <= 0.2 + 1e-6)


def test_a_share_is_a_share() -> None:
    with pytest.raises(ConfigError, match="fpr: found 1.0, expected in"):
        Conformal(1.0)
