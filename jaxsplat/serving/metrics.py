"""Numbers of a service, in the text that Prometheus reads."""

import collections
import os
import pathlib
import resource
import threading
import time
from collections.abc import Mapping
from typing import Any


class Metrics:
    """Counts since the start; any thread may add to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[int, int] = collections.Counter()
        self._verdicts: dict[str, int] = collections.Counter()
        self._batches: dict[int, int] = collections.Counter()
        self._inspect_seconds = 0.0
        self._answer_seconds = 0.0
        self._inspected = 0

    def answered(self, status: int) -> None:
        """Counts an answer of HTTP, of any path."""
        with self._lock:
            self._answers[status] += 1

    def batch(self, size: int, seconds: float) -> None:
        """Counts a batch and the seconds of its inspection."""
        with self._lock:
            self._batches[size] += 1
            self._inspect_seconds += seconds

    def judged(self, verdict: str | None, seconds: float) -> None:
        """Counts a finding, and the seconds since its photograph was there."""
        with self._lock:
            self._verdicts[verdict or "none"] += 1
            self._answer_seconds += seconds
            self._inspected += 1

    @property
    def mean_seconds(self) -> float:
        """Seconds that the device took for a photograph, in the mean; 1 at first."""
        with self._lock:
            count = sum(size * number for size, number in self._batches.items())
            return self._inspect_seconds / count if count else 1.0

    def text(self, waiting: int, is_ready: bool) -> str:
        """Returns the numbers, a line each.

        Args:
            waiting: places of the line that are taken.
            is_ready: whether photographs are inspected.
        """
        with self._lock:
            families: list[tuple[str, str, dict[str, int | float]]] = [
                ("ready", "gauge", {"": int(is_ready)}),
                ("queue_length", "gauge", {"": waiting}),
                ("responses_total", "counter", _labelled("status", self._answers)),
                ("verdicts_total", "counter", _labelled("verdict", self._verdicts)),
                ("batches_total", "counter", _labelled("size", self._batches)),
                ("inspect_seconds_total", "counter", {"": self._inspect_seconds}),
                (
                    "latency_seconds",
                    "summary",
                    {"_sum": self._answer_seconds, "_count": self._inspected},
                ),
                ("cpu_seconds_total", "counter", {"": time.process_time()}),
                ("resident_memory_bytes", "gauge", {"": resident_bytes()}),
            ]
        lines = []
        for name, kind, samples in families:
            lines.append(f"# TYPE jaxsplat_{name} {kind}")
            lines += [f"jaxsplat_{name}{label} {x}" for label, x in samples.items()]
        return "\n".join(lines) + "\n"


def resident_bytes() -> int:
    """Returns the memory of the process; its most so far where there is no /proc."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def _labelled(name: str, counts: Mapping[Any, int]) -> dict[str, int | float]:
    return {f'{{{name}="{key}"}}': count for key, count in sorted(counts.items())}
