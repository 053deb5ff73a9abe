"""Structural similarity of images (Wang et al. 2004), as 3DGS uses it in its loss."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

WINDOW = 11  # pixels; window and sigma of Wang et al. 2004
SIGMA = 1.5
_C1 = 0.01**2
_C2 = 0.03**2


def _gaussian_window() -> list[float]:
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-0.5 * (offsets / SIGMA) ** 2)
    return [float(w) for w in weights / weights.sum()]


def _blur(image: Float[Array, "h w c"]) -> Float[Array, "h2 w2 c"]:
    # A sum of shifted slices: XLA fuses it into one vectorised loop on the CPU, where a
    # depthwise convolution is several times slower.
    for axis in (0, 1):
        size = image.shape[axis] - WINDOW + 1
        shifted = [
            weight * lax.slice_in_dim(image, k, k + size, axis=axis)
            for k, weight in enumerate(_gaussian_window())
        ]
        image = sum(shifted[1:], start=shifted[0])
    return image


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
    mean_a, mean_b = _blur(a), _blur(b)
    var_a = _blur(a * a) - mean_a * mean_a
    var_b = _blur(b * b) - mean_b * mean_b
    covariance = _blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance * (2 * covariance + _C2) / (var_a + var_b + _C2)


def ssim(a: Float[Array, "h w c"], b: Float[Array, "h w c"]) -> Float[Array, ""]:
    """Returns the mean structural similarity, 1 for equal images."""
    return jnp.mean(ssim_map(a, b))
