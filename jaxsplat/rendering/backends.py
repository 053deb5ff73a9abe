"""Which implementation of the compositor runs, and where it can."""

from collections.abc import Callable
from typing import Literal, get_args

import jax

from jaxsplat.core.devices import working_devices
from jaxsplat.errors import ConfigError
from jaxsplat.rendering.numba import target

Backend = Literal["reference", "xla", "numba", "pallas", "pallas_interpret"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
# Those that run the GPU kernels, on a GPU and as XLA's programs.
KERNELS: tuple[Backend, ...] = ("pallas", "pallas_interpret")

_LEAST_CAPABILITY = (7, 5)  # Turing, the oldest that Triton compiles for


def resolve_backend(backend: Backend | None) -> Backend:
    """Returns the backend that will run.

    It is `pallas` on an NVIDIA GPU, `numba` on a CPU, else `xla`.

    Args:
        backend: the one that is wanted, or None for the best that runs here.

    Raises:
        ConfigError: the named backend is unknown or cannot run here.
    """
    if backend is None:
        usable = (name for name, tells in _OBSTACLES.items() if not tells())
        return next(usable, "xla")
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r}: expected one of {', '.join(BACKENDS)}")
    if backend in _OBSTACLES and (obstacle := _OBSTACLES[backend]()):
        kind = default_device().device_kind
        raise ConfigError(
            f"backend {backend!r} cannot run on {kind}: {obstacle}; use 'xla' or leave "
            "the backend unset"
        )
    return backend


def default_device() -> jax.Device:
    """Returns the device on which arrays are put."""
    return working_devices()[0]


def _obstacle_to_numba() -> str:
    """Returns why Numba's functions cannot run on the device, "" if they can."""
    if default_device().platform != "cpu":
        return "its functions are for CPUs"
    return target.obstacle()


def _obstacle_to_pallas() -> str:
    """Returns why the GPU kernels cannot run on the device, "" if they can."""
    device = default_device()
    if device.platform != "gpu" or "cuda" not in device.client.platform_version.lower():
        return "its kernels are for NVIDIA GPUs"
    found = tuple(int(part) for part in str(device.compute_capability).split("."))
    if found < _LEAST_CAPABILITY:
        return f"compute capability {device.compute_capability}, expected 7.5 or more"
    return ""


_OBSTACLES: dict[Backend, Callable[[], str]] = {
    "pallas": _obstacle_to_pallas,
    "numba": _obstacle_to_numba,
}
