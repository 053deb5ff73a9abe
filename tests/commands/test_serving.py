"""The service as a command, on a port of this machine, with a detector of no work."""

import http.client
import io
import os
import pathlib
import signal
import socket
import sys
import threading
import time
from typing import Any

import pytest

from jaxsplat.commands import serving
from jaxsplat.errors import ConfigError
from jaxsplat.report.journal import Journal
from jaxsplat.report.progress import Progress
from tests.helpers.asking import png
from tests.helpers.fake_detector import FakeDetector


class Client(threading.Thread):
    """Asks a service that starts in this process, and stops it.

    Attributes:
        statuses: of its answers.
    """

    def __init__(self, detector: FakeDetector, log: io.StringIO) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.error: BaseException | None = None
        self._detector = detector
        self._log = log
        self._port = 0
        self._is_stopped = False
        self._usual = signal.getsignal(signal.SIGTERM)

    def run(self) -> None:
        try:
            self._ask()
        except BaseException as error:
            self.error = error
        finally:
            self._detector.may_go.set()
            if not self._is_stopped:
                os.kill(os.getpid(), signal.SIGTERM)

    def _ask(self) -> None:
        self._until(lambda: "ready after" in self._log.getvalue())
        url = self._log.getvalue().split("http://", 1)[1].split(";")[0]
        self._port = int(url.rpartition(":")[2])
        assert self._status("GET", "/health") == 200
        self._detector.may_go.clear()
        asked = threading.Thread(
            target=lambda: self.statuses.append(self._status("POST", "/inspect", png()))
        )
        asked.start()
        self._until(lambda: b"queue_length 1" in self._text("/metrics"))
        os.kill(os.getpid(), signal.SIGTERM)
        self._is_stopped = True
        self._until(lambda: signal.getsignal(signal.SIGTERM) == self._usual)
        self._detector.may_go.set()
        asked.join(30)
        self._until(self._is_closed)

    def _until(self, is_so: Any) -> None:
        end = time.monotonic() + 30
        while not is_so():
            assert time.monotonic() < end, self._log.getvalue()
            time.sleep(0.02)

    def _text(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("GET", path)
        text = connection.getresponse().read()
        connection.close()
        return text

    def _status(self, method: str, path: str, body: bytes | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def _is_closed(self) -> bool:
        try:
            self._status("GET", "/health")
        except OSError:
            return True
        return False


def test_a_signal_lets_it_answer_what_it_has_accepted(
    loopback: None, tmp_path: pathlib.Path
) -> None:
    detector, log = FakeDetector(), io.StringIO()
    journal = Journal(tmp_path, append=True)
    client = Client(detector, log)
    client.start()
    settings = serving.Settings("127.0.0.1", 0, 4, 0.01, 10_000)
    serving.serve(detector, "abc", journal, Progress(log), settings)
    client.join()
    assert client.error is None and client.statuses == [200]
    assert len([*journal.rows()]) == 1
    journal.close()
    assert log.getvalue().endswith("stopped; all that was accepted is answered\n")


def test_what_it_cannot_serve_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Progress(io.StringIO())

    def serve(host: str, port: int) -> None:
        settings = serving.Settings(host, port, 4, 0.01, 10_000)
        serving.serve(FakeDetector(), "abc", None, log, settings)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be served"):
            serve("127.0.0.1", port)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "jaxsplat.serving.server", raising=False)
    with pytest.raises(ConfigError, match=r"uvicorn.*pip install jaxsplat\[serve\]"):
        serve("127.0.0.1", 0)
