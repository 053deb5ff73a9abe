"""The methods by name."""

from typing import Literal

from jaxsplat.errors import ConfigError
from jaxsplat.methods import best, igspad, ptad_objects, rpe_pad, splatpose
from jaxsplat.methods.method import Method

MethodName = Literal["best", "splatpose", "igspad", "rpe_pad", "ptad"]
METHODS = {
    "best": best.PRESETS,
    "splatpose": splatpose.PRESETS,
    "igspad": igspad.PRESETS,
    "rpe_pad": rpe_pad.PRESETS,
    "ptad": ptad_objects.PRESETS,
}


def find_method(name: str, preset: str = "best") -> Method:
    """Returns a method by its name.

    Args:
        name: a key of `METHODS`.
        preset: "fast" or "best", or "paper" for the published settings.

    Raises:
        ConfigError: there is no such method or preset.
    """
    for kind, value, known in (
        ("method", name, list(METHODS)),
        ("preset", preset, list(METHODS.get(name, {}))),
    ):
        if value not in known:
            raise ConfigError(f"{kind} {value!r}: expected one of {', '.join(known)}")
    return METHODS[name][preset]
