"""Settings that hold for every test: CPU, two devices, strict types, no network."""

import os
import pathlib
import socket
from collections.abc import Iterator

import pytest

_MOST_MAPPINGS = 25_000

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402  (the platform must be chosen first)

jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_configure() -> None:
    jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every outgoing connection fail, so that no test depends on a download."""

    def refuse(self: socket.socket, address: object) -> None:
        raise OSError(f"tests must not open connections: {address!r}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Forgets compiled programs when they take much of what a process may map.

    XLA's processes end with a segmentation fault at Linux's 65,530 mappings, of which a
    program takes a few; all tests together compile some ten thousand.
    """
    yield
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and len(maps.read_text().splitlines()) > _MOST_MAPPINGS:
        jax.clear_caches()


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """Returns the folder with real data beside the checkout, or skips the test."""
    path = pathlib.Path(__file__).parents[2] / "shared"
    if not (path / "data").is_dir():
        pytest.skip("the real data beside the checkout is not there")
    return path
