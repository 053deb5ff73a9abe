"""With what a run was made: package versions, Python, platform, device."""

import importlib.metadata
import os
import platform

import cv2

import jaxsplat
from jaxsplat.core.devices import find_devices

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
    devices = find_devices()
    return {
        "jaxsplat": jaxsplat.__version__,
        "python": platform.python_version(),
        **{name: _installed(name) for name in _PACKAGES},
        "opencv": cv2.__version__,
        "platform": platform.platform(),
        "device": f"{devices[0].platform}: {devices[0].device_kind}",
        "devices": len(devices),
        "cpu_count": len(os.sched_getaffinity(0)),
    }


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
