"""Networks that match local features, with weights by formula."""

import jax
import numpy as np

from jaxsplat import matchers
from jaxsplat.features import structure
from jaxsplat.matchers import registry
from tests.helpers import formula_weights


def published(config: registry.Config) -> dict[str, np.ndarray]:
    """Returns the tensors of a network's file."""
    shapes = structure.file_shapes(registry.model_of(config), config)
    return {name: formula_weights.tensor(name, shape) for name, shape in shapes.items()}


def logarithms(
    matcher: matchers.KeypointMatcher,
    first: matchers.Keypoints,
    second: matchers.Keypoints,
) -> jax.Array:
    """Returns the logarithm of every two keypoints' score."""
    config = matcher.config

    @jax.jit
    def of(params: dict[str, jax.Array]) -> jax.Array:
        model = structure.with_params(registry.model_of(config), config, params)
        found: jax.Array = model.logarithms(first, second)
        return found

    return of(matcher.params)
