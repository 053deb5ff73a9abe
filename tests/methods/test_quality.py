"""When a fit is good enough to judge, and when a photograph shows its object."""

import dataclasses
from collections.abc import Sequence

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.methods import Inspection, quality
from jaxsplat.methods.quality import Quality
from jaxsplat.pose import Outcome
from jaxsplat.scene.found import PLAIN, Foreground

SOUND = Foreground(PLAIN, 0.95, np.ones((1, 1, 1), np.float32))
IMAGE = np.zeros((4, 4, 3), np.float32)


def camera() -> Camera:
    pose = se3.exp(jnp.array([0.1, 0.2, 4.0, 0.3, -0.2, 0.5]))
    one, two = jnp.float32(5.0), jnp.float32(2.0)
    return Camera(pose, one, one, two, two, 4, 4)


def inspected(agreement: float, degrees: float = 0.0) -> Inspection:
    """Returns a finding whose pose is so many degrees off the view's."""
    twist = jnp.array([0.0, 0.0, 0.0, 0.0, np.radians(degrees), 0.0], jnp.float32)
    pose = np.asarray(se3.exp(twist) @ camera().camera_from_world, np.float64)
    return Inspection(
        "a", Outcome.CONVERGED, agreement=agreement, camera_from_world=pose
    )


def measured(
    found: Sequence[Inspection], views: int = 40, confidence: float = 0.95
) -> Quality:
    held_out = [View(str(i), IMAGE, camera=camera()) for i in range(len(found))]
    foreground = dataclasses.replace(SOUND, confidence=confidence)
    return quality.measure(found, held_out, views, foreground)


def test_a_pose_within_five_degrees_is_found() -> None:
    view = View("a", IMAGE, camera=camera())
    assert quality.was_found(inspected(1.0, 4.8), view)
    assert not quality.was_found(inspected(1.0, 5.2), view)
    assert not quality.was_found(inspected(1.0), View("a", IMAGE))
    assert not quality.was_found(Inspection("a", Outcome.UNREADABLE), view)


def test_a_good_fit_is_fit() -> None:
    found = measured([inspected(0.9), inspected(0.95), inspected(0.99)])
    assert found == Quality(3, 3, 0.95, "")
    assert (
        found.told == "3 of 3 found at their poses, their agreement with renders 0.95"
    )
    assert found.least_agreement(plain=False) == pytest.approx(0.65 * 0.95)
    assert found.least_agreement(plain=True) == pytest.approx(0.6 * 0.95)
    # Half may be missed, and what is missed takes no part.
    half = measured([inspected(0.9), inspected(-0.5, degrees=90)])
    assert half == Quality(2, 1, 0.9, "")
    # Neither few views nor unclear silhouettes alone are a reason.
    assert measured([inspected(0.9)], views=6, confidence=0.7).unfit == ""


def test_poses_that_are_not_found_are_named() -> None:
    found = measured([inspected(0.9), *[inspected(0.9, degrees=40)] * 3])
    assert (found.held_out, found.found) == (4, 1)
    assert "the poses of 3 of 4 held-out good views were not found" in found.unfit
    assert found.unfit.endswith("; poses may be wrong")
    broken = measured([inspected(float("nan"))])
    assert broken.found == 0 and broken.agreement == 0.0
    assert broken.told == "0 of 1 found at their poses"
    assert "1 of 1" in broken.unfit


def test_a_fit_that_shows_something_else_is_named() -> None:
    found = measured([inspected(0.7), inspected(0.72), inspected(0.71)])
    assert found.agreement == pytest.approx(0.71)
    assert "agree with their renders in 0.71 only, expected 0.8" in found.unfit


def test_reasons_name_few_views_and_unclear_silhouettes() -> None:
    found = measured([inspected(0.5)], views=7, confidence=0.7)
    assert "7 training views cannot show all sides" in found.unfit
    assert "silhouettes agree in 70 % only" in found.unfit
    assert "blurred" not in found.unfit and "\n" not in found.unfit


def test_without_held_out_views_nothing_is_known() -> None:
    few = measured([], views=4)
    assert (few.held_out, few.found, few.agreement) == (0, 0, 0.0)
    assert few.told == "none"
    assert "no good view was held back" in few.unfit
    assert "4 training views cannot show all sides" in few.unfit
    many = measured([], views=40)
    assert "no good view was held back" in many.unfit
    assert "too few" not in many.unfit and "blurred" not in many.unfit


@pytest.mark.parametrize("outcome", sorted(quality.PLACED))
def test_photographs_are_judged_where_they_show_the_object(outcome: Outcome) -> None:
    fit = Quality(4, 4, 0.9, "")
    assert quality.judgeable(outcome, 0.6, False, fit) == (outcome, "")
    told, detail = quality.judgeable(outcome, 0.55, False, fit)
    assert told == Outcome.NOT_THIS_OBJECT
    assert detail == "agreement 0.55, expected 0.59 or more"
    assert (
        quality.judgeable(outcome, float("nan"), True, fit)[0]
        == Outcome.NOT_THIS_OBJECT
    )
    unfit = Quality(4, 0, 0.0, "poses are wrong")
    assert quality.judgeable(outcome, 1.0, True, unfit) == (
        Outcome.UNFIT,
        "poses are wrong",
    )


def test_blurred_photographs_are_named_as_such() -> None:
    checkers = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((12, 12)))
    sharp = np.repeat(checkers[..., None], 3, axis=2).astype(np.float32)
    found = [inspected(0.5)]

    def unfit(image: np.ndarray) -> str:
        views = [View("a", image, camera=camera())]
        return quality.measure(found, views, 40, SOUND).unfit

    assert "blurred" not in unfit(sharp)
    assert "photographs are blurred, by 3." in unfit(
        cv2.GaussianBlur(sharp, (0, 0), 3.0)
    )


def test_photographs_that_show_no_detail_make_a_fit_unfit() -> None:
    checkers = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((12, 12)))
    sharp = np.repeat(checkers[..., None], 3, axis=2).astype(np.float32)
    found = [inspected(0.95)]
    for sigma_px, unfit in ((0.0, False), (1.0, False), (3.0, True)):
        image = cv2.GaussianBlur(sharp, (0, 0), sigma_px) if sigma_px else sharp
        views = [View("a", image, camera=camera())]
        told = quality.measure(found, views, 40, SOUND).unfit
        assert told.startswith("photographs are blurred, by ") is unfit
        assert bool(told) is unfit
