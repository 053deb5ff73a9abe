"""Stages that have to end in time."""

import time

import pytest

from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError
from jaxsplat.fitting import FitConfig, Stage, fit, pacing
from jaxsplat.fitting.pacing import Pace, Part
from tests.fitting.test_loop import CONFIG
from tests.helpers import toy_object
from tests.helpers.toy_object import WHITE


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


def walk(
    pace: Pace, clock: Clock, seconds_a_step: float, compilation: float = 0.0
) -> list[Part]:
    """Returns a stage's intervals when steps take so long."""
    parts = []
    while part := pace.next():
        clock.now += part.steps * seconds_a_step + (0 if parts else compilation)
        parts.append(part)
    return parts


def test_a_stage_without_a_limit_takes_all_of_its_steps(clock: Clock) -> None:
    parts = walk(Pace(130, None), clock, 1e6)
    assert parts == [Part(50, 1.0), Part(50, 1.0), Part(30, 1.0)]


@pytest.mark.parametrize("seconds", [8.0, 30.0, 79.0])
@pytest.mark.parametrize("compilation", [0.0, 3.0])
def test_a_stage_that_hurries_ends_in_time_and_at_its_end(
    seconds: float, compilation: float, clock: Clock
) -> None:
    pace = Pace(800, seconds)
    parts = walk(pace, clock, 0.1, compilation)
    assert 0.9 * seconds <= clock.now - 100 <= seconds + 0.1
    assert pace.place == 800
    # All but the steps by which it learns how long they take move on alike.
    assert parts[0] == parts[1] == Part(10, 1.0)
    advances = [part.advance for part in parts[2:]]
    assert max(advances) < 1.1 * min(advances)
    done = sum(part.steps * part.advance for part in parts)
    assert done == pytest.approx(800, rel=0.03)


def test_enough_time_changes_no_step(clock: Clock) -> None:
    parts = walk(Pace(200, 1e4), clock, 0.1)
    assert sum(part.steps for part in parts) == 200
    assert {part.advance for part in parts} == {1.0}


@pytest.mark.parametrize("seconds", [-5.0, 0.0, 0.5])
def test_no_time_is_some_steps_all_the_same(seconds: float, clock: Clock) -> None:
    pace = Pace(300, seconds)
    assert walk(pace, clock, 1.0) == [Part(10, 1.0)]
    assert pace.place == 300


def test_large_images_have_more_of_the_time() -> None:
    stages = [Stage(0.5, 100), Stage(1.0, 100)]
    assert 0.2 < pacing.share_of(stages) < 0.4
    assert pacing.share_of(stages[1:]) == 1


def test_a_fit_ends_in_time_with_all_stages() -> None:
    views = toy_object.views()
    config = FitConfig(
        stages=(Stage(0.5, 5_000), Stage(1.0, 20_000)),
        count=CONFIG.count,
        capacity=CONFIG.capacity,
        start_opacity=CONFIG.start_opacity,
        ssim_weight=0.0,
        density=CONFIG.density,
    )
    steps: list[int] = []
    _fit(views, config, 1.0, steps)  # compiles
    steps.clear()
    begin = time.monotonic()
    _fit(views, config, 6.0, steps)
    # All steps would take a minute and more; a machine that is busy is late.
    assert 3.0 < time.monotonic() - begin < 20.0
    assert 5_000 in steps and steps[-1] == 25_000


def _fit(
    views: tuple[View, ...], config: FitConfig, seconds: float, steps: list[int]
) -> None:
    fit(views, WHITE, config, seconds=seconds, watch=lambda at: steps.append(at.step))


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigError, match="seconds: found .* above 0"):
        fit(toy_object.views(), WHITE, CONFIG, seconds=seconds)
