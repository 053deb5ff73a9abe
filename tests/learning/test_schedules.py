"""Learning rates by epochs, from their closed forms."""

import math

import numpy as np
import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.learning import Cosine, Steps


def test_steps_hold_from_their_epoch_on() -> None:
    rate = Steps(((0, 1e-3), (20, 1e-4))).schedule(35, 7)
    found = [float(rate(step)) for step in (0, 20 * 7 - 1, 20 * 7, 35 * 7 - 1)]
    np.testing.assert_allclose(found, [1e-3, 1e-3, 1e-4, 1e-4], rtol=1e-6)


def test_cosine_rises_and_falls() -> None:
    rate = Cosine(0.2, rising=0.1).schedule(10, 10)
    found = [float(rate(step)) for step in (0, 5, 10, 55, 77, 100)]
    fallen = 0.5 * (1 + math.cos(math.pi * 67 / 90))
    np.testing.assert_allclose(
        found, [0, 0.1, 0.2, 0.1, 0.2 * fallen, 0], rtol=1e-5, atol=1e-8
    )


def test_wrong_rates_are_told() -> None:
    with pytest.raises(ConfigError, match="rates: found epochs"):
        Steps(((1, 0.1),))
    with pytest.raises(ConfigError, match="rates: found epochs"):
        Steps(((0, 0.1), (0, 0.2)))
    with pytest.raises(ConfigError, match="rate: found 0"):
        Steps(((0, 0.0),))
    with pytest.raises(ConfigError, match="rate: found -1"):
        Cosine(-1.0)
    with pytest.raises(ConfigError, match="rising: found 1"):
        Cosine(0.1, rising=1.0)
