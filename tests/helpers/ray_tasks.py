"""Tasks that Ray's workers find by name."""

import os
import pathlib
import signal

from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import Progress


def double(progress: Progress, number: int) -> int:
    """Returns twice the number, and says so."""
    progress.note(f"doubling {number}")
    return 2 * number


def fail(progress: Progress, text: str) -> None:
    """Fails by its data."""
    raise DataError(text)


def refuse(progress: Progress, text: str) -> None:
    """Fails by its settings."""
    raise ConfigError(text)


def die_once(progress: Progress, mark: pathlib.Path) -> str:
    """Kills its process the first time that it is called."""
    die_unless(mark)
    return "done"


def die_always(progress: Progress) -> None:
    """Kills its process."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_unless(mark: pathlib.Path) -> None:
    """Kills this process unless the file is there, which it makes."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def cores_of(progress: Progress) -> tuple[int, tuple[int, ...]]:
    """Returns the process and the cores that it may use."""
    return os.getpid(), tuple(sorted(os.sched_getaffinity(0)))
