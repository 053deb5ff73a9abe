"""Feature networks for tests: weights by formula, and one that compiles quickly."""

import dataclasses

import numpy as np

from jaxsplat import features
from jaxsplat.features import registry, structure
from jaxsplat.features.architecture import EfficientNetConfig
from jaxsplat.features.config import NetworkConfig
from jaxsplat.features.dinov2 import DinoV2Config
from jaxsplat.features.resnet import ResNetConfig
from jaxsplat.features.sam import SamConfig
from tests.helpers import formula_weights

LITE0, B4 = (
    config
    for name in ("efficientnet_lite0", "efficientnet_b4")
    if isinstance(config := registry.NETWORKS[name].config, EfficientNetConfig)
)
# All parts of B4 in five narrow blocks, padded for the image at hand.
SMALL = dataclasses.replace(B4, name="small", width=0.25, depth=0.25, padded_for=None)

_GREY = dict(mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
SMALL_RESNET = ResNetConfig(
    name="small_resnet", blocks=(1, 2, 1, 1), bottleneck=False, width=8, **_GREY
)
SMALL_BOTTLENECKS = dataclasses.replace(
    SMALL_RESNET, name="small_bottlenecks", bottleneck=True, widening=2
)
SMALL_DINOV2 = DinoV2Config(
    name="small_dinov2", width=16, depth=3, heads=2, patch=4, grid=5, **_GREY
)
# Windows of 3 patches, so that images have several and parts of some.
SMALL_SAM = SamConfig(
    name="small_sam",
    width=16,
    depth=3,
    heads=2,
    everywhere=(1,),
    outputs=8,
    patch=4,
    window=3,
    grid=5,
    **_GREY,
)

# One of each kind beside the EfficientNets.
NARROW = (SMALL_RESNET, SMALL_BOTTLENECKS, SMALL_DINOV2, SMALL_SAM)


def published(config: NetworkConfig) -> dict[str, np.ndarray]:
    """Returns the network's parameters by formula, as a file holds them."""
    shapes = structure.file_shapes(registry.model_of(config), config)
    return {name: formula_weights.tensor(name, shape) for name, shape in shapes.items()}


def by_formula(config: NetworkConfig) -> features.FeatureNetwork:
    """Returns the network with parameters by formula."""
    params = structure.to_params(registry.model_of(config), config, published(config))
    return features.FeatureNetwork(params, config)
