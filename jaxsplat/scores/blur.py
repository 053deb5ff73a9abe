"""Gaussian blur of maps, as SciPy's."""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core.se3 import matmul

_REACH = 4.0  # standard deviations, scipy.ndimage.gaussian_filter's


def blur(maps: Float[Array, "b h w"], sigma: float) -> Float[Array, "b h w"]:
    """Returns the maps after `scipy.ndimage.gaussian_filter(map, sigma)`.

    Args:
        maps: to blur.
        sigma: standard deviation in pixels, above 0.
    """
    # As matrix products: SciPy's border is then part of the matrix, and XLA compiles
    # them much faster than 66 shifted sums.
    height, width = (jnp.asarray(_matrix(size, sigma)) for size in maps.shape[1:])
    return matmul(matmul(height, maps), width.T)


@functools.cache
def _matrix(size: int, sigma: float) -> Float[np.ndarray, "size size"]:
    """Returns what `scipy.ndimage.gaussian_filter1d(x, sigma)` does to x."""
    radius = int(_REACH * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    # SciPy's "reflect" repeats the edge pixel, which NumPy calls "symmetric".
    source = np.pad(np.arange(size), radius, mode="symmetric")
    matrix = np.zeros((size, size))
    for tap, weight in enumerate(weights / weights.sum()):
        np.add.at(matrix, (np.arange(size), source[tap : tap + size]), weight)
    return matrix.astype(np.float32)
