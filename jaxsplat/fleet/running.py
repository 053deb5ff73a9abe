"""The one function that runs a list of tasks, by whatever executor."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from jaxsplat.fleet.tasks import Ended, Task
from jaxsplat.report.progress import Progress


@runtime_checkable
class Executor(Protocol):
    """Does tasks, here or elsewhere."""

    def begin(self, tasks: Sequence[Task], progress: Progress) -> None:
        """Gets ready for a list.

        Args:
            tasks: all that will come.
            progress: is told how far they are.

        Raises:
            ConfigError: what it needs is missing.
        """

    def submit(self, task: Task) -> None:
        """Takes a task whose predecessors have finished."""

    def next_ended(self) -> tuple[Task, Ended]:
        """Waits for one of the tasks that were submitted.

        Raises:
            ConfigError: a setting is wrong, which all tasks have in common.
        """

    def end(self) -> None:
        """Gives back what `begin` took, and stops what still runs."""


def run(
    tasks: Sequence[Task],
    executor: Executor,
    progress: Progress,
    on_end: Callable[[Task, Ended], None] = lambda task, ended: None,
) -> dict[str, Ended]:
    """Returns how each task ended, by name, in the order of the list.

    A task that fails is a row with its reason and stops no other one but those that
    cannot be done without it, which fail for the same reason.

    Args:
        tasks: each after all that it needs.
        executor: does them.
        progress: is told how far they are, and what they have for the log.
        on_end: is called with every task as it ends.

    Raises:
        ConfigError: a setting is wrong, which all tasks have in common.
    """
    ended: dict[str, Ended] = {}

    def keep(task: Task, how: Ended) -> None:
        for note in how.notes:
            progress.note(note)
        if how.failed:
            progress.note(f"{task.name}: failed: {how.failed}")
        ended[task.name] = how
        on_end(task, how)

    waiting, running = list(tasks), 0
    executor.begin(tasks, progress)
    try:
        while waiting or running:
            for task in [t for t in waiting if ended.keys() >= set(t.after)]:
                waiting.remove(task)
                reasons = [ended[name].failed for name in task.after]
                reason = next(filter(None, reasons), "")
                if reason:
                    keep(task, Ended(failed=reason))
                else:
                    executor.submit(task)
                    running += 1
            if running:
                keep(*executor.next_ended())
                running -= 1
    finally:
        executor.end()
    return {task.name: ended[task.name] for task in tasks}
