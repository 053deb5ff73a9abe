"""The service's HTTP, as a Starlette application (`pip install jaxsplat[serve]`)."""

import asyncio
import math

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jaxsplat.data import decoding
from jaxsplat.errors import DataError
from jaxsplat.report import files
from jaxsplat.serving import bodies
from jaxsplat.serving.jobs import Job
from jaxsplat.serving.service import Service

# Until a service that is starting is asked again.
_STARTING_SECONDS = 5
_ABOUT = """\
jaxsplat inspects photographs of one object for defects.

POST /inspect        a PNG or JPEG file as the body; answers a JSON object
POST /inspect?map=1  the same with the heat map, heat_map_png (base64)
GET  /health         200 when photographs are inspected, else 503
GET  /metrics        numbers for Prometheus

    curl --data-binary @photo.jpg http://HOST:PORT/inspect

verdict is "good", "defective", or null where there is none, and then reason says why.
In scores higher is worse. Errors are {"error": "one line"}; 429 and 503 say with
Retry-After when to come again.
"""


def make_app(service: Service) -> ASGIApp:
    """Returns the application of a service."""
    api = _Api(service)
    app = Starlette(
        routes=[
            Route("/", api.about),
            Route("/health", api.health),
            Route("/metrics", api.metrics),
            Route("/inspect", api.inspect, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _told, Exception: _failed},
    )
    return _Counted(app, service)


class _Api:
    """What each path does."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def about(self, request: Request) -> Response:
        return PlainTextResponse(_ABOUT)

    async def health(self, request: Request) -> Response:
        status = self._service.status
        return _json(200 if status == "ready" else 503, {"status": status})

    async def metrics(self, request: Request) -> Response:
        service = self._service
        text = service.metrics.text(service.line.length, service.status == "ready")
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def inspect(self, request: Request) -> Response:
        service = self._service
        if service.status != "ready":
            return _later(503, f"the service is {service.status}", _STARTING_SECONDS)
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise HTTPException(
                415, "found a form, expected the file as the body (curl --data-binary)"
            )
        if not service.line.enter():
            await bodies.discard(request, service.limits)
            seconds = service.line.length * service.metrics.mean_seconds
            return _later(429, "too many photographs wait", math.ceil(seconds))
        try:
            return await self._inspect(request)
        finally:
            service.line.leave()

    async def _inspect(self, request: Request) -> Response:
        limits = self._service.limits
        content = await bodies.read(request, limits)
        try:
            width, height = decoding.size_of(content, "the photograph")
        except DataError as error:
            raise HTTPException(422, str(error)) from None
        if width < limits.least[0] or height < limits.least[1]:
            least = f"{limits.least[0]}x{limits.least[1]}"
            raise HTTPException(
                422, f"found {width}x{height} pixels, expected {least} or more"
            )
        job = Job(content, request.query_params.get("map") == "1")
        self._service.line.put(job)
        answer = await asyncio.wrap_future(job.answer)
        return _json(answer.status, answer.body)


class _Counted:
    """An application whose answers are counted."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._service.metrics.answered(message["status"])
            await send(message)

        await self._app(scope, receive, counted)


def _json(status: int, body: object) -> Response:
    text = files.dump_json(body) + "\n"
    return Response(text, status, media_type="application/json")


def _later(status: int, text: str, seconds: int) -> Response:
    response = _json(status, {"error": text})
    response.headers["Retry-After"] = str(max(1, seconds))
    return response


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _json(error.status_code, {"error": error.detail})
    response.headers.update(error.headers or {})
    return response


async def _failed(request: Request, error: Exception) -> Response:
    return _json(500, {"error": "the service failed; its log says more"})
