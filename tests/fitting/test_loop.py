"""The order of the views, and lists that turn out too short."""

import jax
import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.fitting import DensityConfig, FitConfig, Stage, fit, loop
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import toy_object
from tests.helpers.toy_object import WHITE

CONFIG = FitConfig(
    stages=(Stage(1.0, 60),),
    count=30,
    capacity=30,
    start_opacity=0.5,
    ssim_weight=0.0,
    density=DensityConfig(kind="fixed"),
)


def test_views_are_all_seen_before_one_comes_again() -> None:
    order = loop.view_order(np.random.default_rng(0), 5, 17)
    assert order.shape == (17,)
    for first in (0, 5, 10):
        assert sorted(order[first : first + 5]) == list(range(5))
    assert len(set(order[15:])) == 2
    assert list(order[:5]) != list(order[5:10])
    again = loop.view_order(np.random.default_rng(0), 5, 17)
    np.testing.assert_array_equal(order, again)
    assert loop.view_order(np.random.default_rng(0), 5, 0).shape == (0,)


def fit_with_plans(
    views: tuple[View, ...], plans: list[int], patch: pytest.MonkeyPatch
) -> tuple[Gaussians, list[int]]:
    """Returns the scene when lists are planned so, and the plans that were not used."""
    left = list(plans)
    patch.setattr(loop.render, "plan", lambda cloud, cameras: left.pop(0))
    steps: list[int] = []
    found = fit(
        views, WHITE, CONFIG, backend="xla", watch=lambda at: steps.append(at.step)
    )
    assert steps == [50, 60]
    return found.gaussians, left


def test_lists_that_are_too_short_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views = toy_object.views()
    expected, left = fit_with_plans(views, [1024], monkeypatch)
    assert not left
    # The first steps need 90 pairs and more; the second plan is too small too, as after
    # a peak of the need.
    found, left = fit_with_plans(views, [40, 50], monkeypatch)
    assert not left
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_need_that_grows_in_the_last_interval_is_met(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views = toy_object.views()
    expected, _ = fit_with_plans(views, [1024], monkeypatch)
    read = loop._read
    calls: list[int] = []

    def read_more(reports: list, first: int) -> tuple[float, int]:
        calls.append(first)
        psnr, needed = read(reports, first)
        return psnr, 1025 if calls == [0, 50] else needed

    monkeypatch.setattr(loop, "_read", read_more)
    found, left = fit_with_plans(views, [1024, 2048], monkeypatch)
    assert calls == [0, 50, 50] and not left
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)
