"""Photographs that wait for the device: a bounded line, taken batch by batch."""

import concurrent.futures
import dataclasses
import queue
import threading
import time
from typing import Any


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is said of a photograph.

    Attributes:
        status: of HTTP.
        body: for JSON.
    """

    status: int
    body: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Job:
    """A photograph that waits.

    Attributes:
        content: of a PNG or JPEG file.
        wants_map: whether the heat map is asked for.
        answer: takes what is said of it.
        arrived: by `time.monotonic`.
    """

    content: bytes
    wants_map: bool = False
    answer: concurrent.futures.Future[Answer] = dataclasses.field(
        default_factory=concurrent.futures.Future
    )
    arrived: float = dataclasses.field(default_factory=time.monotonic)


class Line:
    """A line with so many places, which are taken before a photograph is read."""

    def __init__(self, places: int, together: int, window_seconds: float) -> None:
        """Begins empty.

        Args:
            places: of photographs that are being read, wait, or are being inspected.
            together: most photographs in a batch.
            window_seconds: that a photograph waits for others of its batch.
        """
        self._free = places
        self._places = places
        self._together = together
        self._window_seconds = window_seconds
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()

    @property
    def length(self) -> int:
        """How many places are taken."""
        return self._places - self._free

    def enter(self) -> bool:
        """Takes a place, and returns whether there was one."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def leave(self) -> None:
        """Gives a place back."""
        with self._lock:
            self._free += 1

    def put(self, job: Job) -> None:
        """Adds a photograph that has a place."""
        self._jobs.put(job)

    def batch(self, timeout_seconds: float) -> list[Job]:
        """Returns the next photographs, [] where none came in time.

        A batch is full, or the first of it has waited for the window. What nobody waits
        for any more is dropped.

        Args:
            timeout_seconds: to wait for the first.
        """
        found: list[Job] = []
        wait = timeout_seconds
        while len(found) < self._together:
            try:
                job = (
                    self._jobs.get(timeout=wait) if wait > 0 else self._jobs.get(False)
                )
            except queue.Empty:
                break
            found.append(job)
            wait = found[0].arrived + self._window_seconds - time.monotonic()
        return [job for job in found if job.answer.set_running_or_notify_cancel()]
