"""Feature networks for tests: weights by formula, and one that compiles quickly."""

import dataclasses

import numpy as np

from jaxsplat import features
from jaxsplat.features import registry, structure
from jaxsplat.features.architecture import EfficientNetConfig
from jaxsplat.features.config import NetworkConfig
from tests.helpers import formula_weights

LITE0, B4 = (
    config
    for name in ("efficientnet_lite0", "efficientnet_b4")
    if isinstance(config := registry.NETWORKS[name].config, EfficientNetConfig)
)
# All parts of B4 in five narrow blocks, padded for the image at hand.
SMALL = dataclasses.replace(B4, name="small", width=0.25, depth=0.25, padded_for=None)


def published(config: NetworkConfig) -> dict[str, np.ndarray]:
    """Returns the network's parameters by formula, as a file holds them."""
    shapes = structure.file_shapes(registry.model_of(config), config)
    return {name: formula_weights.tensor(name, shape) for name, shape in shapes.items()}


def by_formula(config: NetworkConfig) -> features.FeatureNetwork:
    """Returns the network with parameters by formula."""
    params = structure.to_params(registry.model_of(config), config, published(config))
    return features.FeatureNetwork(params, config)
