"""A service as a process, and clients that ask it until they are answered."""

import collections
import contextlib
import http.client
import json
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Iterator, Sequence

_HOST = "127.0.0.1"
_TIMEOUT_SECONDS = 120.0
# Between two attempts after a lost connection.
_PAUSE_SECONDS = 0.1
# A client waits no longer, whatever it is told.
_MOST_SECONDS = 1.0
_BAD_EVERY = 10


class Process:
    """A service that is started when this is made.

    Attributes:
        port: that it listens on.
        seconds_to_ready: from its start until /health says so.
        seconds_to_first_answer: from its start until a photograph was answered.
        cpu_seconds_to_first_answer: of all processors, until then.
    """

    def __init__(self, settings: Sequence[str]) -> None:
        self._begin = time.monotonic()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiments.inspect", "--serve", *settings],
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )
        self.port = 0
        self.seconds_to_ready = float("nan")
        self.seconds_to_first_answer = float("nan")
        self.cpu_seconds_to_first_answer = float("nan")

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.end(9)
        self._log.close()

    def is_ready(self, timeout_seconds: float) -> bool:
        """Waits until photographs are taken, and returns whether they are."""
        end = self._begin + timeout_seconds
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"listening on http://[^;]*:(\d+);", self.log())
            self.port = int(found[1]) if found else 0
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.port and _ask(self.port, "GET", "/health")[0] == 200:
                    self.seconds_to_ready = time.monotonic() - self._begin
                    return True
            time.sleep(0.02)
        return False

    def first_answer(self, body: bytes) -> None:
        """Asks once, and keeps the time since the start."""
        _ask(self.port, "POST", "/inspect", body)
        self.seconds_to_first_answer = time.monotonic() - self._begin
        spent = self.numbers("jaxsplat_cpu_seconds_total")
        self.cpu_seconds_to_first_answer = spent[""]

    def log(self) -> str:
        """Returns what it wrote to stderr."""
        self._log.seek(0)
        return self._log.read()

    def memory(self) -> int:
        """Returns its resident memory in bytes."""
        return int(self.numbers("jaxsplat_resident_memory_bytes")[""])

    def numbers(self, name: str) -> dict[str, float]:
        """Returns the samples of a metric by their labels."""
        text = _ask(self.port, "GET", "/metrics")[1].decode()
        found = re.findall(rf"^{name}(\S*) (\S+)$", text, re.MULTILINE)
        return {label: float(number) for label, number in found}

    def end(self, number: int) -> int:
        """Sends a signal and returns the exit code."""
        self._process.send_signal(number)
        return self._process.wait(_TIMEOUT_SECONDS)


class Clients:
    """Threads that ask, each on a connection of its own.

    Attributes:
        done: requests that have their last answer.
        acknowledged: names of the rows that were answered 200.
        statuses: how often each was answered.
        wrong: answers that a photograph or a bad body must not have.
        lost_connections: how often one broke off.
        seconds: of each photograph that was answered 200, without earlier attempts.
    """

    def __init__(self, port: int, bodies: Sequence[bytes], count: int) -> None:
        self.done = 0
        self.acknowledged: set[str] = set()
        self.statuses: dict[int, int] = collections.Counter()
        self.wrong = 0
        self.lost_connections = 0
        self.seconds: list[float] = []
        self._port = port
        self._bodies = bodies
        self._count = count
        self._number = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._is_over = threading.Event()

    def ask(self, requests: int) -> None:
        """Sends so many requests and waits for the answers."""
        with self.asking(requests):
            pass

    @contextlib.contextmanager
    def asking(self, requests: int) -> Iterator[None]:
        """Sends so many requests while the block runs, and waits at its end."""
        numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(self._number, self._number + requests):
            numbers.put(number)
        self._number += requests
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(numbers,))
            for _ in range(self._count)
        ]
        for thread in self._threads:
            thread.start()
        try:
            yield
            self.wait()
        except BaseException:
            self.give_up()
            raise

    def wait(self) -> None:
        """Waits until all is answered."""
        for thread in self._threads:
            thread.join()

    def give_up(self) -> None:
        """Ends what is asked in vain."""
        self._is_over.set()

    def _run(self, numbers: "queue.SimpleQueue[int]") -> None:
        while True:
            try:
                number = numbers.get_nowait()
            except queue.Empty:
                return
            is_bad = number % _BAD_EVERY == _BAD_EVERY - 1
            good = self._bodies[number % len(self._bodies)]
            body = _spoiled(good, number // _BAD_EVERY) if is_bad else good
            while not self._attempt(body, is_bad):
                if self._is_over.is_set():
                    return
            with self._lock:
                self.done += 1

    def _attempt(self, body: bytes, is_bad: bool) -> bool:
        """Sends a request once, and returns whether it has its last answer."""
        begin = time.monotonic()
        try:
            status, text, later = _ask(self._port, "POST", "/inspect", body)
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.lost_connections += 1
            time.sleep(_PAUSE_SECONDS)
            return False
        seconds = time.monotonic() - begin
        with self._lock:
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.add(json.loads(text)["id"])
                self.seconds.append(seconds)
            if status not in (429, 503):
                self.wrong += status // 100 != (4 if is_bad else 2)
        if status in (429, 503):
            time.sleep(min(later, _MOST_SECONDS))
            return False
        return True


def _spoiled(body: bytes, kind: int) -> bytes:
    """Returns a body that is no photograph, one of several kinds."""
    kinds = [
        body[: len(body) // 2],
        b"",
        b"not a photograph",
        body[:40] + bytes(40) + body[80:],
        bytes(17 * 2**20),
    ]
    return kinds[kind % len(kinds)]


def _ask(
    port: int, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes, float]:
    """Returns status, body, and the seconds after which to come again."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read(), float(answer.headers["Retry-After"] or 0)
    finally:
        connection.close()
