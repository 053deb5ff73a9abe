"""Settings that hold for every test: CPU, two devices, strict types, no network."""

import os
import pathlib
import socket

import pytest

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


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """Returns the folder with real data beside the checkout, or skips the test."""
    path = pathlib.Path(__file__).parents[2] / "shared"
    if not (path / "data").is_dir():
        pytest.skip("the real data beside the checkout is not there")
    return path
