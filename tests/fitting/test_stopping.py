"""A fit ends when the error on views that it does not see has stopped falling."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.fitting import FitConfig, Stage, stopping
from jaxsplat.fitting.state import FitState, initial
from jaxsplat.fitting.stopping import Least, Plateau
from jaxsplat.fitting.targets import make_targets
from tests.helpers import toy_object
from tests.helpers.toy_object import WHITE

CONFIG = FitConfig(stages=(Stage(0.5, 300), Stage(1.0, 1700)), patience=0.15)
VIEWS = toy_object.views(3)


def after(step: int) -> FitState:
    """Returns the state of the toy's own cloud after so many steps."""
    start = initial(toy_object.cloud(), len(VIEWS))
    return dataclasses.replace(start, step=jnp.int32(step))


def plateau(
    views: tuple[View, ...] = VIEWS,
    config: FitConfig = CONFIG,
    least: Least = Least(),
) -> Plateau:
    return Plateau(views, WHITE, config, "xla", least)


def last_step(errors: dict[int, float], patch: pytest.MonkeyPatch) -> int:
    """Returns the step after which a fit with these errors ends, looked at by 50s.

    Args:
        errors: from the steps on at which they come.
        patch: replaces what takes the error.
    """
    steps = [0]

    def error(*_: object) -> float:
        return [e for step, e in errors.items() if step <= steps[0]][-1]

    patch.setattr(stopping, "mean_squared_error", error)
    watched = plateau()
    for steps[0] in range(50, CONFIG.steps + 1, 50):
        if watched.is_reached(after(steps[0])):
            break
    return steps[0]


def test_the_error_may_stand_still_for_the_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A hundred steps from look to look; the patience is .15 of 2000 steps.
    assert last_step({0: 1.0}, monkeypatch) == 600
    assert last_step({0: 1.0, 700: 0.9}, monkeypatch) == 600
    assert last_step({0: 1.0, 500: 0.9}, monkeypatch) == 800
    # What falls by a hundredth stands still; what rises does so all the more.
    assert last_step({0: 1.0, 500: 0.99}, monkeypatch) == 600
    assert last_step({0: 1.0, 500: 1.5}, monkeypatch) == 600


def test_a_fit_whose_error_falls_takes_all_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    falling = {step: 0.97 ** (step / 100) for step in range(0, 2001, 50)}
    assert last_step(falling, monkeypatch) == CONFIG.steps


@pytest.mark.parametrize("views", [(), toy_object.views(3, alpha=False)])
def test_without_views_that_can_tell_no_fit_ends_early(views: tuple[View, ...]) -> None:
    assert not plateau(views, least=Least(0.0, 0)).is_reached(after(2000))


def test_without_patience_no_fit_ends_early() -> None:
    for_ever = dataclasses.replace(CONFIG, patience=0.0)
    assert not plateau(config=for_ever, least=Least(0.0, 0)).is_reached(after(2000))


def test_the_error_does_not_depend_on_the_exposure() -> None:
    cloud = toy_object.cloud()
    darker = tuple(
        dataclasses.replace(view, image=(0.8 * view.image).astype(np.float32))
        for view in VIEWS
    )
    found = [
        stopping.mean_squared_error(cloud, make_targets(views, None, WHITE, 1.0), "xla")
        for views in (VIEWS, darker)
    ]
    assert max(found) < 1e-4
    # A colour that none of the views shows is an error.
    other = dataclasses.replace(cloud, colors=cloud.colors[::-1])
    wrong = make_targets(VIEWS, None, WHITE, 1.0)
    assert stopping.mean_squared_error(other, wrong, "xla") > 100 * max(found)
