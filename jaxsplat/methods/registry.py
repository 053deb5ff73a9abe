"""The methods by name."""

from typing import Literal

from jaxsplat import features
from jaxsplat.methods import best, splatpose
from jaxsplat.methods.inspector import Inspector
from jaxsplat.methods.twin import Twin

Method = Literal["best", "splatpose"]
Preset = Literal["fast", "paper"]


def make_method(
    name: Method,
    twin: Twin,
    network: features.FeatureNetwork,
    preset: Preset = "fast",
    seed: int = 0,
) -> Inspector:
    """Returns a method, ready for one object.

    Args:
        name: "best", or "splatpose" as published.
        twin: the fitted object.
        network: what images are compared by.
        preset: of "splatpose"; "best" is the same in both.
        seed: of what is random.
    """
    if name == "best":
        return best.Best(twin, network, best.BestConfig())
    return splatpose.SplatPose(twin, network, splatpose.PRESETS[preset], seed)
