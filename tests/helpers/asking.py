"""A service in this process, asked without a socket."""

import asyncio
import contextlib
import io
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
from PIL import Image

from jaxsplat.report.journal import Journal
from jaxsplat.serving.app import make_app
from jaxsplat.serving.jobs import Line
from jaxsplat.serving.service import Limits, Service
from jaxsplat.serving.worker import Worker
from tests.helpers.fake_detector import SIDE

BODY_BYTES = 4000


class Asked:
    """A service that is asked.

    Attributes:
        service: whose application is asked.
        worker: that inspects.
    """

    def __init__(
        self,
        detector: Any,
        journal: Journal | None = None,
        *,
        places: int = 16,
        window_seconds: float = 0.01,
        limits: Limits = Limits(BODY_BYTES, 5.0, (SIDE, SIDE)),
    ) -> None:
        line = Line(places, detector.method.together, window_seconds)
        self.service = Service(limits, line, status="ready")
        self.worker = Worker(detector, "abc", journal, self.service)
        self._app = make_app(self.service)

    @contextlib.contextmanager
    def working(self) -> Iterator["Asked"]:
        """Inspects in a thread while the block runs."""
        is_over = threading.Event()

        def work() -> None:
            while not is_over.is_set():
                self.worker.work(0.01)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield self
        finally:
            is_over.set()
            thread.join()

    async def ask(self, path: str = "/inspect", **settings: Any) -> httpx.Response:
        """Returns an answer: to a POST where there is `content`, else to a GET."""
        transport = httpx.ASGITransport(self._app)
        method = "POST" if "content" in settings else "GET"
        async with httpx.AsyncClient(transport=transport, timeout=30) as client:
            return await client.request(method, f"http://service{path}", **settings)

    def answer(self, path: str = "/inspect", **settings: Any) -> httpx.Response:
        """Returns what `ask` does."""
        return asyncio.run(self.ask(path, **settings))

    def answers(self, *contents: bytes) -> list[httpx.Response]:
        """Returns the answers to photographs that are sent at once."""

        async def gather() -> list[httpx.Response]:
            asked = (self.ask(content=content) for content in contents)
            return [*await asyncio.gather(*asked)]

        return asyncio.run(gather())


def png(level: int = 255, side: int = SIDE) -> bytes:
    """Returns a photograph of one grey level."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
