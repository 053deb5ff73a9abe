"""Lists of tasks on workers that Ray starts here, one of which is killed."""

import functools
import importlib.util
import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from jaxsplat import fleet, report
from jaxsplat.commands.executing import ExecutorConfig
from jaxsplat.errors import ConfigError
from jaxsplat.fleet import Here, OnRay, Task
from tests.helpers import fleet_toys, ray_tasks

ROOT = pathlib.Path(__file__).parents[2]

with_ray = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="ray is not installed"
    ),
    # Ray's own, of its sockets and pipes when it ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def test_any_flag_of_ray_asks_for_it() -> None:
    assert isinstance(ExecutorConfig().executor, Here)
    assert isinstance(ExecutorConfig(ray=True).executor, OnRay)
    assert ExecutorConfig(ray_workers=3).executor.workers == 3
    assert ExecutorConfig(ray_address="auto").executor.address == "auto"


def test_ray_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'jaxsplat\[cluster\]'"):
        fleet.run(
            [Task("a", ray_tasks.double, (1,))], OnRay(), report.Progress(enabled=False)
        )


def without_seconds(record: Any) -> Any:
    """Returns a record without what depends on the machine's speed."""
    if isinstance(record, dict):
        times = {"seconds", "versions"}
        return {k: without_seconds(v) for k, v in record.items() if k not in times}
    return record


class TestRay:
    pytestmark = with_ray

    @pytest.fixture(autouse=True)
    def network(self, no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lets Ray's driver speak to its workers, which are on this machine."""
        monkeypatch.undo()

    def test_a_run_with_a_killed_worker_has_the_results_of_a_run_here(
        self, tmp_path: pathlib.Path
    ) -> None:
        names = ("first", "bad", "second")
        # With one core as the workers have: XLA adds up convolutions by threads.
        subprocess.run(
            [sys.executable, "-m", "tests.helpers.fleet_toys", tmp_path / "here"]
            + list(names),
            cwd=ROOT,
            check=True,
        )
        mark = tmp_path / "killed"
        prepare = functools.partial(fleet_toys.prepare, mark)
        executor = OnRay(workers=2, cpus=1, prepare=prepare)
        fleet_toys.evaluate(tmp_path / "ray", names, executor)
        assert mark.exists()
        here, on_ray = (
            json.loads((tmp_path / run / "metrics.json").read_text())
            for run in ("here", "ray")
        )
        assert without_seconds(on_ray) == without_seconds(here)
        assert on_ray["failed"] == {"bad": "bad: has no photographs"}
        for name in ("first", "second"):
            lines = [
                (tmp_path / run / name / "results.jsonl").read_text().splitlines()
                for run in ("here", "ray")
            ]
            assert len(lines[0]) == len(lines[1]) == 2 * len(fleet_toys.SIDES)
            for one, other in zip(*lines, strict=True):
                assert json.loads(one)["score"] == json.loads(other)["score"]

    def test_workers_that_always_die_are_rows(self) -> None:
        tasks = [
            Task("dies", ray_tasks.die_always),
            Task("needs it", ray_tasks.double, (1,), ("dies",)),
            Task("good", ray_tasks.double, (2,)),
            Task("cores", ray_tasks.cores_of),
        ]
        quiet = report.Progress(enabled=False)
        found = fleet.run(tasks, OnRay(workers=2, cpus=1), quiet)
        assert "worker" in found["dies"].failed
        assert found["needs it"].failed == found["dies"].failed
        assert found["good"].value == 4
        assert len(found["cores"].value[1]) == 1
