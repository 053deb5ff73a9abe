"""Inspects photographs that come by HTTP, until a signal."""

import dataclasses

from jaxsplat.commands import watching
from jaxsplat.errors import ConfigError
from jaxsplat.methods import Detector
from jaxsplat.report.journal import Journal
from jaxsplat.report.progress import Progress
from jaxsplat.serving.jobs import Line
from jaxsplat.serving.service import Limits, Service
from jaxsplat.serving.worker import Worker

_BODY_SECONDS = 30.0
# Between two looks at whether a signal came.
_LOOK_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a service takes photographs.

    Attributes:
        host: address that is served.
        port: 0 for any that is free.
        queue: photographs that may wait.
        window_seconds: that a photograph waits for others of its batch.
        body_bytes: most bytes of a photograph.
    """

    host: str
    port: int
    queue: int
    window_seconds: float
    body_bytes: int


def serve(
    detector: Detector,
    identity: str,
    journal: Journal | None,
    progress: Progress,
    settings: Settings,
) -> None:
    """Serves until SIGINT or SIGTERM, and ends when all that was accepted is answered.

    Args:
        detector: that finds.
        identity: of the detector, `findings.identity`.
        journal: takes rows and pictures, or None.
        progress: takes remarks.
        settings: of the service.

    Raises:
        ConfigError: the extra is not installed, or the port cannot be had.
    """
    try:
        from jaxsplat.serving.app import make_app
        from jaxsplat.serving.server import Server
    except ImportError as error:
        raise ConfigError(
            f"serve: {error.name}: found nothing, expected it installed: pip install "
            "jaxsplat[serve]"
        ) from error
    camera = detector.twin.camera
    limits = Limits(settings.body_bytes, _BODY_SECONDS, (camera.width, camera.height))
    together = detector.method.together
    line = Line(settings.queue, together, settings.window_seconds)
    service = Service(limits, line)
    worker = Worker(detector, identity, journal, service)
    with (
        watching.stop_on_signals() as stop,
        Server(make_app(service), settings.host, settings.port) as server,
    ):
        progress.note(f"listening on {server.url}; compiling")
        seconds = worker.warm()
        service.status = "ready"
        progress.note(f"ready after {seconds:.1f} s, {together} in a batch")
        while server.is_up:
            if stop.is_asked and service.status == "ready":
                service.status = "stopping"
                server.stop()
            worker.work(_LOOK_SECONDS)
    if not stop.is_asked:
        raise ConfigError("serve: the server ended by itself; --debug says more")
    progress.note("stopped; all that was accepted is answered")
