"""The application on a port, in a thread of its own (`pip install jaxsplat[serve]`)."""

import socket
import threading
import types

import uvicorn
from starlette.types import ASGIApp

from jaxsplat.errors import ConfigError

# Until a connection on which nothing comes is closed.
_IDLE_SECONDS = 15
_BACKLOG = 128
# For what is left when the process ends for another reason than a wish to stop.
_GIVE_UP_SECONDS = 2.0


class Server:
    """Serves while its block runs; signals stay the process's own."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """Takes the port.

        Raises:
            ConfigError: it is taken, or the address is not this machine's.
        """
        try:
            family, *_, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            self._socket = socket.create_server(
                address[:2], family=family, backlog=_BACKLOG
            )
        except OSError as error:
            raise ConfigError(
                f"host, port: {host}:{port} cannot be served: {error.strerror}"
            ) from error
        name = f"[{host}]" if family == socket.AF_INET6 else host
        self.url = f"http://{name}:{self._socket.getsockname()[1]}"
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_IDLE_SECONDS,
            )
        )
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([self._socket],), daemon=True
        )

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()
        if kind is not None:
            self._uvicorn.force_exit = True
        self._thread.join(None if kind is None else _GIVE_UP_SECONDS)
        self._socket.close()

    @property
    def is_up(self) -> bool:
        """Whether something may still be asked or answered."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Accepts nothing more, and ends when all that was accepted is answered."""
        self._uvicorn.should_exit = True
