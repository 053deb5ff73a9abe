"""How close two images are."""

import math

import numpy as np
from jaxtyping import Float


def psnr(a: Float[np.ndarray, "h w c"], b: Float[np.ndarray, "h w c"]) -> float:
    """Returns the peak signal-to-noise ratio in dB, infinity for equal images.

    Args:
        a: image with values in [0, 1], [h, w, c]; a render is clamped by the caller.
        b: image of the same shape.
    """
    difference = a.astype(np.float64) - b.astype(np.float64)
    mean_square = float(np.mean(difference * difference))
    return math.inf if mean_square == 0 else -10 * math.log10(mean_square)
