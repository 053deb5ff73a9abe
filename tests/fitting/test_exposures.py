"""The exposure of photographs, found again from what was done to them."""

import dataclasses

import numpy as np
from jaxtyping import Float

from jaxsplat.fitting import exposures, targets
from jaxsplat.fitting import state as fit_state
from tests.helpers import toy_object
from tests.helpers.toy_object import WHITE

GAINS = np.array(
    [[0.8, 0.9, 1.1], [1.1, 1.0, 0.9], [1.0, 1.0, 1.0], [1.0, 0.85, 1.05]], np.float32
)


def exposed(gains: Float[np.ndarray, "v 3"]) -> fit_state.FitState:
    """Returns what is measured of photographs with these gains, of the true scene."""
    views = [
        dataclasses.replace(view, image=view.image * gain)
        for view, gain in zip(toy_object.views(len(gains)), gains, strict=True)
    ]
    seen = targets.make_targets(views, None, WHITE, 1.0)
    state = fit_state.initial(toy_object.cloud(), len(gains))
    return exposures.measured(state, seen, "xla", 1.0)


def test_photographs_come_to_the_exposure_of_all_in_the_mean() -> None:
    found = exposed(GAINS)
    usual = np.exp(np.log(GAINS).mean(axis=0))
    for number, view in enumerate(toy_object.views(len(GAINS))):
        assert view.alpha is not None
        weight = view.alpha[..., None]
        photograph = view.image * GAINS[number] - found.offsets[number] * weight
        mean = (photograph / found.gains[number]).sum((0, 1)) / weight.sum()
        expected = (view.image * usual).sum((0, 1)) / weight.sum()
        before = np.abs(GAINS[number] / usual - 1).max()
        # A prior keeps gains a little nearer to 1.
        assert np.abs(mean / expected - 1).max() < max(0.01, 0.25 * before)


def test_photographs_of_one_exposure_stay_as_they_are() -> None:
    found = exposed(np.ones((4, 3), np.float32))
    np.testing.assert_allclose(found.gains, 1, atol=2e-3)
    np.testing.assert_allclose(found.offsets, 0, atol=2e-3)
