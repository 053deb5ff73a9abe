"""With what a run was made: package versions, Python, platform, device."""

import importlib.metadata
import os
import platform

import cv2
import jax

import jaxsplat
from jaxsplat.errors import ConfigError

_PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "scipy",
    "scikit-learn",
    "pillow",
)


def versions() -> dict[str, str | int]:
    """Returns name and version of everything that the numbers may depend on.

    Raises:
        ConfigError: JAX finds no device that it can use.
    """
    kind, number = _devices()
    return {
        "jaxsplat": jaxsplat.__version__,
        "python": platform.python_version(),
        **{name: _installed(name) for name in _PACKAGES},
        "opencv": cv2.__version__,
        "platform": platform.platform(),
        "device": kind,
        "devices": number,
        "cpu_count": len(os.sched_getaffinity(0)),
    }


def _devices() -> tuple[str, int]:
    try:
        devices = jax.devices()
    except (RuntimeError, AssertionError) as error:
        wanted = os.environ.get("JAX_PLATFORMS", "")
        # An assertion without words is what JAX has for a platform that it knows but
        # whose plugin is not installed, such as cuda.
        reason = str(error) or "what that platform needs is not installed"
        raise ConfigError(
            f"JAX finds no device to run on (JAX_PLATFORMS={wanted!r}): {reason}; "
            "set JAX_PLATFORMS=cpu to run on the processor"
        ) from error
    return f"{devices[0].platform}: {devices[0].device_kind}", len(devices)


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
