"""A task: one piece of work that stands alone, and how it ended.

Tasks keep what they finish in folders that are bound to settings and data by their
digests, so a task that is begun again, on this machine or on another one, goes on where
it was stopped and does nothing twice.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
from absl import logging

from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.report.progress import Progress

# What ends one task and says so by itself: bad files, a fit that diverged, no memory.
FAILURES = (DataError, NumericsError, OSError, jax.errors.JaxRuntimeError)


@dataclasses.dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: what it is called; no other of a list has it.
        call: a function of a module, by whose name other processes find it. It takes a
            `Progress` and the arguments.
        arguments: settings and paths, which other processes can be sent.
        after: names of tasks before it in the list, without which it cannot be done.
    """

    name: str
    call: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    after: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a task ended.

    Attributes:
        value: what its function returned, None where it failed.
        failed: why it failed in one line, "" where it did not.
        notes: lines for the log.
    """

    value: Any = None
    failed: str = ""
    notes: tuple[str, ...] = ()


def attempt(task: Task, progress: Progress) -> Ended:
    """Returns how a task ended that is done here and now.

    Raises:
        ConfigError: a setting is wrong, which all tasks have in common.
    """
    try:
        return Ended(task.call(progress, *task.arguments))
    except ConfigError:
        raise
    except FAILURES as error:
        return Ended(failed=one_line(error))
    except Exception as error:
        logging.exception("%s", task.name)
        return Ended(failed=f"{type(error).__name__}: {one_line(error)}")


def one_line(error: BaseException) -> str:
    """Returns what an error says, in one line."""
    return " ".join(str(error).split())
