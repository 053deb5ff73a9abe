"""Structural similarity of images (Wang et al. 2004), as 3DGS uses it in its loss."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

WINDOW = 11  # pixels; window and sigma of Wang et al. 2004
SIGMA = 1.5
_BLOCK = 32  # outputs computed by one matrix product
_C1 = 0.01**2
_C2 = 0.03**2


def _window_blocks() -> tuple[np.ndarray, np.ndarray]:
    """Returns the window as two matrices, [_BLOCK, _BLOCK] and [WINDOW - 1, _BLOCK].

    A run of `_BLOCK` outputs takes the same run of inputs through the first, and the
    next WINDOW - 1 inputs through the second.
    """
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    weights = weights / weights.sum()
    band = np.zeros((_BLOCK + WINDOW - 1, _BLOCK))
    for output in range(_BLOCK):
        band[output : output + WINDOW, output] = weights
    return band[:_BLOCK], band[_BLOCK:]


def _blur_last(x: Float[Array, "m h w"]) -> Float[Array, "m h w2"]:
    """Returns the Gaussian average along the last axis, where the window fits.

    It is a product with small banded matrices. Written as a sum of shifted slices, XLA
    fuses the passes along the two axes into one of 121 taps, twenty times slower.
    """
    here, after = (jnp.asarray(part, x.dtype) for part in _window_blocks())
    outputs = x.shape[-1] - WINDOW + 1
    blocks = -(-outputs // _BLOCK)
    x = jnp.pad(x, ((0, 0), (0, 0), (0, (blocks + 1) * _BLOCK - x.shape[-1])))
    x = x.reshape(*x.shape[:2], blocks + 1, _BLOCK)
    precision = lax.Precision.HIGHEST
    blurred = jnp.matmul(x[:, :, :-1], here, precision=precision) + jnp.matmul(
        x[:, :, 1:, : WINDOW - 1], after, precision=precision
    )
    return blurred.reshape(*x.shape[:2], -1)[..., :outputs]


def _blur(x: Float[Array, "m h w"]) -> Float[Array, "m w2 h2"]:
    """Returns the windowed average of each map, with the axes swapped."""
    return _blur_last(jnp.swapaxes(_blur_last(x), 1, 2))


def ssim_map(
    a: Float[Array, "h w c"], b: Float[Array, "h w c"]
) -> Float[Array, "h2 w2 c"]:
    """Returns the local similarity wherever the 11x11 window fits inside the image.

    Args:
        a: image with values in [0, 1].
        b: image of the same shape.

    Raises:
        ValueError: the image is smaller than the window.
    """
    if min(a.shape[:2]) < WINDOW:
        raise ValueError(f"SSIM needs {WINDOW} pixels a side, found {a.shape[:2]}")
    a, b = jnp.moveaxis(a, -1, 0), jnp.moveaxis(b, -1, 0)
    maps = _blur(jnp.concatenate([a, b, a * a, b * b, a * b]))
    mean_a, mean_b, square_a, square_b, product = jnp.split(maps, 5)
    var_a = square_a - mean_a * mean_a
    var_b = square_b - mean_b * mean_b
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    similarity = luminance * (2 * covariance + _C2) / (var_a + var_b + _C2)
    return similarity.T


def ssim(a: Float[Array, "h w c"], b: Float[Array, "h w c"]) -> Float[Array, ""]:
    """Returns the mean structural similarity, 1 for equal images."""
    return jnp.mean(ssim_map(a, b))
