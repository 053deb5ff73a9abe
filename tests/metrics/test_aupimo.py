"""AUPIMO against a slow version written from its definition, and by hand."""

import math

import numpy as np
import pytest

from jaxsplat import errors, metrics


def slow_aupimo(
    maps: np.ndarray, masks: np.ndarray, lowest: float, highest: float
) -> float:
    """Returns AUPIMO by trying every threshold at very many rates."""
    good = ~masks.any(axis=(1, 2))
    thresholds = np.append(np.unique(maps), np.inf)
    rates = np.array(
        [np.mean([np.mean(x >= t) for x in maps[good]]) for t in thresholds]
    )
    z = np.exp(np.linspace(math.log(lowest), math.log(highest), 40_001))
    middles = np.sqrt(z[1:] * z[:-1])
    # The lowest threshold whose rate does not exceed each.
    at = np.argmax(rates[None] <= middles[:, None], axis=1)
    found = []
    for values, mask in zip(maps[~good], masks[~good], strict=True):
        shares = np.array([np.mean(values[mask] >= t) for t in thresholds])
        found.append(shares[at].mean())
    return float(np.mean(found))


@pytest.mark.parametrize("levels", [None, 3, 40])
@pytest.mark.parametrize("rates", [(1e-3, 0.1), (1e-5, 1e-4), (0.05, 1.0)])
def test_equals_the_slow_version(
    levels: int | None, rates: tuple[float, float]
) -> None:
    rng = np.random.default_rng(0)
    masks = rng.uniform(size=(6, 15, 20)) < 0.2
    masks[[0, 3]] = False
    maps = (rng.normal(size=masks.shape) + 1.5 * masks).astype(np.float32)
    if levels:
        maps = np.round(maps * levels / 6)
    found = metrics.aupimo(maps, masks, *rates)
    assert found == pytest.approx(slow_aupimo(maps, masks, *rates), abs=1e-3)


def test_by_hand() -> None:
    # One good image of four pixels, one defective pixel that outdoes two of them.
    maps = np.array([[[0.1, 0.2, 0.3, 0.4]], [[0.25, 0, 0, 0]]], np.float32)
    masks = np.zeros(maps.shape, bool)
    masks[1, 0, 0] = True
    # It is found from the rate 2/4 on: ln(1 / .5) of ln(1 / .1).
    expected = math.log(2) / math.log(10)
    assert metrics.aupimo(maps, masks, 0.1, 1.0) == pytest.approx(expected, abs=1e-12)
    # Normal pixels of the defective image do not count.
    maps[1, 0, 1:] = 9
    assert metrics.aupimo(maps, masks, 0.1, 1.0) == pytest.approx(expected, abs=1e-12)


def test_below_one_pixel_nothing_good_may_be_called() -> None:
    maps = np.zeros((3, 8, 8), np.float32)
    masks = np.zeros(maps.shape, bool)
    masks[2, :4] = True
    maps[0, 0, 0] = 1
    maps[2, :2] = 2
    assert metrics.aupimo(maps, masks) == pytest.approx(0.5)


def test_all_defective_images_have_none() -> None:
    masks = np.zeros((2, 4, 4), bool)
    masks[:, 0, 0] = True
    assert metrics.why_no_aupimo(masks) == "all of 2 are defective"
    assert metrics.aupimo(np.zeros(masks.shape, np.float32), masks) is None


@pytest.mark.parametrize("rates", [(0.0, 0.1), (0.2, 0.1), (0.1, 1.1)])
def test_wrong_rates(rates: tuple[float, float]) -> None:
    maps = np.zeros((2, 4, 4), np.float32)
    with pytest.raises(errors.ConfigError, match="rates"):
        metrics.aupimo(maps, maps > 0, *rates)
