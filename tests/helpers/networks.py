"""Feature networks for tests: weights by formula, and one that compiles quickly."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat import features
from jaxsplat.features import architecture, efficientnet, network, weights
from tests.helpers import formula_weights

LITE0 = network.CONFIGS["efficientnet_lite0"]
B4 = network.CONFIGS["efficientnet_b4"]
# All parts of B4 in five narrow blocks, padded for the image at hand.
SMALL = dataclasses.replace(B4, name="small", width=0.25, depth=0.25, padded_for=None)


def published(
    config: architecture.EfficientNetConfig,
) -> dict[str, np.ndarray]:
    """Returns the network's parameters by formula, as a file holds them."""
    shapes = efficientnet.parameter_shapes(config)
    return {
        name: formula_weights.tensor(name, weights.published_shape(shape))
        for name, shape in shapes.items()
    }


def by_formula(
    config: architecture.EfficientNetConfig,
) -> features.FeatureNetwork:
    """Returns the network with parameters by formula."""
    params = weights.to_network_layout(
        published(config), efficientnet.parameter_shapes(config)
    )
    single = jax.tree.map(lambda values: jnp.asarray(values, jnp.float32), params)
    return features.FeatureNetwork(single, config)
