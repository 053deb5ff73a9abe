"""A headless Chromium that tests drive through chromedriver's plain HTTP."""

import base64
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
]
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
# Keys as WebDriver writes them.
RIGHT, TAB, ENTER, HOME = "\ue014", "\ue004", "\ue007", "\ue011"


class Browser:
    """A page in Chromium."""

    def __init__(self, port: int, seconds: float) -> None:
        """Opens a window.

        Args:
            port: of chromedriver on this machine.
            seconds: that an answer may take.
        """
        self._port, self._seconds = port, seconds
        capabilities = {
            "goog:chromeOptions": {
                "args": _ARGUMENTS,
                "binary": shutil.which("chromium"),
            },
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        found = self._call(
            "POST", "/session", {"capabilities": {"alwaysMatch": capabilities}}
        )
        self._session = f"/session/{found['sessionId']}"

    def open(self, address: str) -> None:
        """Goes to an address and waits until it is loaded."""
        self._call("POST", f"{self._session}/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Returns what a script in the page returns."""
        body = {"script": script, "args": list(arguments)}
        return self._call("POST", f"{self._session}/execute/sync", body)

    def press(self, selector: str, keys: str) -> None:
        """Presses keys in an element."""
        element = self._call(
            "POST",
            f"{self._session}/element",
            {"using": "css selector", "value": selector},
        )[_ELEMENT]
        self._call("POST", f"{self._session}/element/{element}/value", {"text": keys})

    def drag(self, *places: tuple[float, float]) -> None:
        """Presses the mouse at the first place and lets it go at the last one.

        Args:
            places: in CSS pixels of the window from its upper left; one is a click.
        """
        moves = [
            {"type": "pointerMove", "duration": 50, "x": round(x), "y": round(y)}
            for x, y in places
        ]
        down, up = ({"type": f"pointer{end}", "button": 0} for end in ("Down", "Up"))
        mouse = {
            "type": "pointer",
            "id": "mouse",
            "actions": [moves[0], down, *moves[1:], up],
        }
        self._call("POST", f"{self._session}/actions", {"actions": [mouse]})

    def console_errors(self) -> list[str]:
        """Returns what went wrong in the page since the last call."""
        entries = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return [e["message"] for e in entries if e["level"] == "SEVERE"]

    def picture(self) -> bytes:
        """Returns what the window shows as PNG."""
        return base64.b64decode(self._call("GET", f"{self._session}/screenshot"))

    def screenshot(self, path: pathlib.Path) -> None:
        """Writes what the window shows as PNG."""
        path.write_bytes(self.picture())

    def until(self, script: str, seconds: float = 60.0) -> Any:
        """Returns what a script in the page returns, once that is true.

        Raises:
            TimeoutError: it never was.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.run(script):
                return found
            time.sleep(0.2)
        raise TimeoutError(script)

    def close(self) -> None:
        """Closes the window."""
        self._call("DELETE", self._session)

    def _call(self, verb: str, path: str, body: Any = None) -> Any:
        line = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=self._seconds
        )
        with contextlib.closing(line):
            text = None if body is None else json.dumps(body)
            line.request(verb, path, text, {"Content-Type": "application/json"})
            value = json.loads(line.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(value["message"])
        return value


@contextlib.contextmanager
def browser(seconds: float = 120.0) -> Iterator[Browser]:
    """Yields a page in Chromium; skips the test where there is none."""
    driver = shutil.which("chromedriver")
    if driver is None or shutil.which("chromium") is None:
        pytest.skip("needs chromium and chromedriver")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [driver, f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        page = _when_up(lambda: Browser(port, seconds), seconds)
        yield page
        page.close()
    finally:
        process.terminate()
        process.wait()


def _when_up(begin: Callable[[], Browser], seconds: float) -> Browser:
    end = time.monotonic() + seconds
    while True:
        try:
            return begin()
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
