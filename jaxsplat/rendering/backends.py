"""Which implementation of the compositor runs, and where it can."""

from typing import Literal

import jax

from jaxsplat.errors import ConfigError

Backend = Literal["reference", "xla", "pallas", "pallas_interpret"]
BACKENDS: tuple[Backend, ...] = ("reference", "xla", "pallas", "pallas_interpret")

_LEAST_CAPABILITY = (7, 5)  # Turing, the oldest that Triton compiles for


def resolve_backend(backend: Backend | None) -> Backend:
    """Returns the backend that will run: `pallas` on an NVIDIA GPU, else `xla`.

    Args:
        backend: the one that is wanted, or None for the best that runs here.

    Raises:
        ConfigError: the named backend is unknown or cannot run here.
    """
    if backend is None:
        return "xla" if _obstacle() else "pallas"
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r}: expected one of {', '.join(BACKENDS)}")
    if backend == "pallas" and (obstacle := _obstacle()):
        kind = default_device().device_kind
        raise ConfigError(
            f"backend 'pallas' cannot run on {kind}: {obstacle}; use 'xla' or leave "
            "the backend unset"
        )
    return backend


def default_device() -> jax.Device:
    """Returns the device on which arrays are put."""
    chosen = getattr(jax.config, "jax_default_device")
    if isinstance(chosen, jax.Device):
        return chosen
    return jax.devices(chosen)[0]


def _obstacle() -> str:
    """Returns why the kernels cannot run on the device, "" if they can."""
    device = default_device()
    if device.platform != "gpu" or "cuda" not in device.client.platform_version.lower():
        return "its kernels are for NVIDIA GPUs"
    found = tuple(int(part) for part in str(device.compute_capability).split("."))
    if found < _LEAST_CAPABILITY:
        return f"compute capability {device.compute_capability}, expected 7.5 or more"
    return ""
