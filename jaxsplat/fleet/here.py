"""Tasks in this process: one after another, or one on each of several devices."""

import collections
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import jax

from jaxsplat.core.devices import working_devices
from jaxsplat.fleet import memory
from jaxsplat.fleet.tasks import Ended, Task, attempt
from jaxsplat.report.progress import Progress


class Here:
    """Does tasks in this process.

    With one device, or one task, they come one after another, in the thread that asks,
    and the task may use all devices. Else each device has a thread, whose tasks it does
    alone (`jax.default_device`).
    """

    def begin(self, tasks: Sequence[Task], progress: Progress) -> None:
        """See `Executor`."""
        devices = working_devices()
        self._several = _Threads(devices) if min(len(devices), len(tasks)) > 1 else None
        self._progress, self._number, self._total = progress, 0, len(tasks)
        self._queue: collections.deque[Task] = collections.deque()

    def submit(self, task: Task) -> None:
        """See `Executor`."""
        if self._several is None:
            self._queue.append(task)
        else:
            self._several.submit(task, self._progress)

    def next_ended(self) -> tuple[Task, Ended]:
        """See `Executor`."""
        self._number += 1
        if self._several is not None:
            self._progress.update("tasks", self._number - 1, self._total)
            return self._several.next_ended()
        task = self._queue.popleft()
        if self._number > 1:
            memory.release()
        self._progress.begin(task.name, self._number, self._total)
        return task, attempt(task, self._progress)

    def end(self) -> None:
        """See `Executor`."""
        if self._several is not None:
            self._several.end()


class _Threads:
    """A thread for each device."""

    def __init__(self, devices: Sequence[jax.Device]) -> None:
        self._free: queue.SimpleQueue[jax.Device] = queue.SimpleQueue()
        for device in devices:
            self._free.put(device)
        self._pool = ThreadPoolExecutor(len(devices))
        self._tasks: dict[Future[Ended], Task] = {}
        self._stop = threading.Event()

    def submit(self, task: Task, progress: Progress) -> None:
        one = _Forwarding(progress, self._stop)
        self._tasks[self._pool.submit(self._work, task, one)] = task

    def next_ended(self) -> tuple[Task, Ended]:
        done, _ = wait(self._tasks, return_when=FIRST_COMPLETED)
        first = next(future for future in self._tasks if future in done)
        return self._tasks.pop(first), first.result()

    def end(self) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def _work(self, task: Task, progress: Progress) -> Ended:
        device = self._free.get()
        try:
            with jax.default_device(device):
                return attempt(task, progress)
        finally:
            self._free.put(device)


_writing = threading.Lock()


class _Forwarding(Progress):
    """Progress of one task of several: notes pass on, the line is not its own."""

    def __init__(self, to: Progress, stop: threading.Event) -> None:
        super().__init__(enabled=False)
        self._to, self._stop = to, stop

    def update(self, stage: str, step: int, total: int, **numbers: float | int) -> None:
        """Ends the task where all shall end, as Ctrl-C would."""
        if self._stop.is_set():
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        """Prints a remark; see `Progress`."""
        with _writing:
            self._to.note(text)

    def say(self, text: str) -> None:
        """Prints a result; see `Progress`."""
        with _writing:
            self._to.say(text)
