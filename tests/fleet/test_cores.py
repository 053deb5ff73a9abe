"""Cores that processes take for themselves."""

import os
import tempfile

import pytest

from jaxsplat.fleet import cores

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the system has no such limits"
)


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]) -> list[object]:
    """Gives a machine of three cores; returns what processes were limited to."""
    limited: list[object] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {4, 5, 7})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, found: limited.append(found))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(cores, "_held", [])
    monkeypatch.setattr(cores, "_SECONDS", 0.2)
    return limited


def test_no_core_is_taken_twice(limits: list[object]) -> None:
    assert cores.take(2) == (4, 5)
    assert cores.take(1) == (7,)
    assert limits == [(4, 5), (7,)]


def test_where_too_few_are_free_nothing_is_limited(limits: list[object]) -> None:
    assert cores.take(4) == ()
    assert cores.take(2) == (4, 5)
    assert cores.take(2) == ()
    assert cores.take(1) == (7,), "a core that was tried was not given back"
    assert limits == [(4, 5), (7,)]


def test_a_process_that_ends_gives_its_cores_back() -> None:
    assert cores.take(3) == (4, 5, 7)
    for lock in cores._held:  # as the kernel does
        lock.release()
    assert cores.take(3) == (4, 5, 7)
