"""An object of which a part has the colour of the background."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from jaxsplat import fitting
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.fitting import FAST, FitConfig, FitResult, Stage
from jaxsplat.methods import scene_fit
from jaxsplat.methods.scene_fit import FitSettings
from jaxsplat.scene import foreground
from jaxsplat.scene.found import Foreground
from tests.helpers import toy_detector, toy_object

CONFIG = dataclasses.replace(
    FAST, stages=(Stage(0.5, 1), Stage(1.0, 2)), count=60, capacity=60
)


def _true(views: tuple[View, ...]) -> np.ndarray:
    shown = toy_object.views(len(views))
    return np.stack([view.alpha for view in shown if view.alpha is not None]) > 0.5


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch, objects: ObjectSet) -> np.ndarray:
    """Returns silhouettes that lack half of the object, as if it was white."""
    found = toy_detector.half_hidden(objects)
    monkeypatch.setattr(scene_fit, "find_foreground", lambda views: found)
    assert found.coverage is not None
    return found.coverage


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Gives every fit the toy's own cloud, and tells what fits were asked for."""
    asked: list[dict[str, Any]] = []

    def fit(
        views: tuple[View, ...], background: object, config: FitConfig, **others: Any
    ) -> FitResult:
        asked.append({"views": views, "config": config, **others})
        return FitResult(toy_object.cloud(), np.zeros(3), 1.0, 2.0, 30.0)

    monkeypatch.setattr(fitting, "fit", fit)
    return asked


def test_a_fit_before_completes_the_silhouettes(
    objects: ObjectSet, hidden: np.ndarray, fits: list[dict[str, Any]]
) -> None:
    shown: list[Foreground] = []
    settings = FitSettings(fit_config=CONFIG, fit_seconds=100.0)
    views, result = scene_fit.fit_scene(
        settings, objects, None, lambda _, found: shown.append(found), None
    )
    before, after = fits
    assert before["config"].stages == CONFIG.stages[:1]
    assert before["config"].coverage_weight < CONFIG.coverage_weight
    assert after["config"] == CONFIG
    assert before["seconds"] + after["seconds"] == 100
    # Both are told of: seconds and those of compilation.
    assert (result.seconds, result.compile_seconds) == (2.0, 4.0)
    coverage = views.foreground.coverage
    assert coverage is not None
    true = _true(objects.train)
    assert (hidden > 0.5).sum() < 0.7 * true.sum()
    assert ((coverage > 0.5) == true).mean() > 0.999
    used = [view.alpha for view in after["views"] if view.alpha is not None]
    assert sum(alpha.sum() for alpha in used) > 1.4 * sum(
        view.alpha.sum() for view in before["views"]
    )
    # Pictures of what was found show what was fitted to.
    (found,) = shown
    assert found.notes == views.foreground.notes
    assert "% of the object has the background's colour" in found.notes[-1]
    assert foreground.told(found)[-1] == found.notes[-1]


def test_what_follows_a_fit_has_the_same_silhouettes(
    objects: ObjectSet, hidden: np.ndarray, fits: list[dict[str, Any]]
) -> None:
    settings = FitSettings(fit_config=CONFIG)
    views, result = scene_fit.fit_scene(settings, objects, None, None, None)
    twin = scene_fit.twin_of(result, views.fitted, objects, None)
    again = scene_fit.divide_again(settings, objects, len(views.held_out), twin)
    assert again.foreground.coverage is not None
    np.testing.assert_array_equal(again.foreground.coverage, views.foreground.coverage)
    assert len(fits) == 2


def test_where_all_views_agree_there_is_no_fit_before(
    objects: ObjectSet, fits: list[dict[str, Any]]
) -> None:
    views, _ = scene_fit.fit_scene(
        FitSettings(fit_config=CONFIG), objects, None, None, None
    )
    (only,) = fits
    assert only["config"] == CONFIG and not views.foreground.has_hidden_parts
