"""Feature networks with pretrained weights.

`extract` returns the maps of an image at strides 2, 4, 8 and 16. Weights of
EfficientNet-Lite0 come with the package; EfficientNet-B4, which the published code
uses, is read from a converted file.
"""

from jaxsplat.features.network import (
    FeatureNetwork,
    extract,
    load_network,
    normalize,
)

__all__ = ["FeatureNetwork", "extract", "load_network", "normalize"]
