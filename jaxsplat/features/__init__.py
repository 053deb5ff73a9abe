"""Feature networks with pretrained weights.

`extract` returns the feature maps of images. Weights of EfficientNet-Lite0 come with
the package; those of the other networks in `registry.py` are read from converted files.
"""

from jaxsplat.features.network import (
    FeatureNetwork,
    extract,
    level_names,
    load_network,
    normalize,
)

__all__ = [
    "FeatureNetwork",
    "extract",
    "level_names",
    "load_network",
    "normalize",
]
