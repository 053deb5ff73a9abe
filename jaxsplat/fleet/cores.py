"""Cores of a machine for one process alone, so that workers do not slow each other."""

import os
import pathlib
import tempfile
import time

import filelock

_SECONDS = 10.0  # that a worker may take to end and give back its cores
_held: list[filelock.FileLock] = []  # until the process ends


def usable() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def take(count: int) -> tuple[int, ...]:
    """Limits this process to cores that no other one has taken, and returns them.

    XLA, Numba, OpenCV and OpenMP start as many threads as a process has cores, so call
    it before they start any. A lock for each core holds until the process ends in any
    way. Where there are not enough free cores, or the system has no such limits,
    nothing is limited and the result is empty.

    Args:
        count: how many.
    """
    if not hasattr(os, "sched_setaffinity"):
        return ()
    end = time.monotonic() + _SECONDS
    while not (found := _free(count)):
        if time.monotonic() > end:
            return ()
        time.sleep(0.1)
    os.sched_setaffinity(0, found)
    return found


def _free(count: int) -> tuple[int, ...]:
    """Returns cores after locking them, () where there are not so many free ones."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < count:
        return ()
    folder = pathlib.Path(tempfile.gettempdir(), f"jaxsplat-cores-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = {}
    for core in allowed:
        lock = filelock.FileLock(folder / f"{core}.lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            continue
        locks[core] = lock
        if len(locks) == count:
            _held.extend(locks.values())
            return tuple(locks)
    for lock in locks.values():
        lock.release()
    return ()
