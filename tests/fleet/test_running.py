"""Lists of tasks in this process: order, failures, devices, interruption."""

import threading
from collections.abc import Callable
from typing import Any

import jax
import pytest

from jaxsplat import fleet
from jaxsplat.core.devices import working_devices
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.fleet import Ended, Here, Task
from jaxsplat.report import Progress


def double(progress: Progress, number: int) -> int:
    return 2 * number


def fail(progress: Progress, error: BaseException) -> None:
    raise error


def listed(progress: Progress, found: list[Any], value: Any) -> None:
    found.append(value)


@pytest.fixture(params=[1, 2], ids=["one device", "a device each"])
def devices(request: pytest.FixtureRequest, all_devices: None) -> Any:
    """Gives tasks one device, or the two that tests have."""
    if request.param == 2:
        yield 2
    else:
        with jax.default_device(jax.devices()[1]):
            yield 1


def run(*tasks: Task) -> dict[str, Ended]:
    return fleet.run(tasks, Here(), Progress(enabled=False))


def test_a_task_that_fails_is_a_row_and_stops_no_other(devices: int) -> None:
    found = run(
        Task("bad", fail, (DataError("a.png: found\nnothing"),)),
        Task("slip", fail, (KeyError("name"),)),
        Task("after bad", double, (1,), ("bad",)),
        Task("good", double, (2,)),
        Task("after good", double, (3,), ("good",)),
    )
    assert list(found) == ["bad", "slip", "after bad", "good", "after good"]
    assert {name: one.value for name, one in found.items() if not one.failed} == {
        "good": 4,
        "after good": 6,
    }
    assert found["bad"].failed == found["after bad"].failed == "a.png: found nothing"
    assert found["slip"].failed == "KeyError: 'name'"


def test_what_others_need_is_done_before_them(devices: int) -> None:
    found: list[str] = []
    run(
        Task("fit", listed, (found, "fit")),
        Task("a", listed, (found, "a"), ("fit",)),
        Task("b", listed, (found, "b"), ("fit", "a")),
    )
    assert found == ["fit", "a", "b"]


def test_a_wrong_setting_ends_all(devices: int) -> None:
    wrong = Task("wrong", fail, (ConfigError("size: found 0"),))
    with pytest.raises(ConfigError, match="size: found 0"):
        run(wrong, Task("right", double, (1,)))


@pytest.mark.usefixtures("all_devices")
def test_tasks_take_a_device_each() -> None:
    assert len(working_devices()) == 2
    both = threading.Barrier(2, timeout=60)
    found: list[jax.Device] = []

    def device_of(progress: Progress) -> None:
        both.wait()  # so they run at the same time
        (device,) = working_devices()
        assert jax.numpy.ones(2).devices() == {device}
        found.append(device)

    ended = run(Task("a", device_of), Task("b", device_of))
    assert not any(one.failed for one in ended.values())
    assert set(found) == set(jax.devices())


def test_programs_are_given_back_between_tasks() -> None:
    add = jax.jit(lambda x: x + x)
    kept: list[int] = []

    def look(progress: Progress) -> None:
        kept.append(add._cache_size())
        add(1.0)

    run(Task("a", look), Task("b", look))
    assert kept == [0, 0]


@pytest.mark.usefixtures("all_devices")
def test_a_single_task_has_all_devices() -> None:
    found: list[Any] = []
    run(Task("a", lambda progress: found.extend(working_devices())))
    assert found == jax.devices()


@pytest.mark.usefixtures("all_devices")
def test_an_interruption_stops_the_others_at_their_next_step() -> None:
    begun = threading.Event()
    steps: list[int] = []

    def long(progress: Progress) -> None:
        begun.set()
        for step in range(10_000_000):
            steps.append(step)
            progress.update("fit", step, 10_000_000)

    def interrupted(progress: Progress) -> None:
        begun.wait(60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Task("long", long), Task("interrupted", interrupted))
    assert len(steps) < 10_000_000


@pytest.mark.usefixtures("all_devices")
def test_ends_are_told_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    keep: Callable[[Task, Ended], None] = lambda task, how: told.append(task.name)
    tasks = [Task("a", fail, (OSError("disk full"),)), Task("b", double, (1,))]
    fleet.run(tasks, Here(), Progress(), keep)
    assert sorted(told) == ["a", "b"]
    assert "a: failed: disk full" in capsys.readouterr().err
