"""Images and tables of positions at other sizes, to the same bits whatever JAX's types.

`jax.image.resize` differs by 1e-6 with `jax_enable_x64`, and has another cubic kernel.
"""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float

# Of the cubic kernel: PyTorch's, by which the networks' authors resize position tables.
_SHARPNESS = -0.75


def resizing(
    size: int, target: int, kernel: Literal["linear", "cubic"]
) -> Float[np.ndarray, "target size"]:
    """Returns the matrix that interpolates a table at another size.

    Outer edges stay where they are (half-pixel centres), the outermost values go on
    beyond them, and nothing is smoothed where the table becomes smaller: as PyTorch's
    `interpolate` with `align_corners=False, antialias=False`.
    """
    places = (np.arange(target) + 0.5) * (size / target) - 0.5
    first = np.floor(places).astype(int)
    matrix = np.zeros((target, size))
    for shift in range(-1, 3):
        distance = np.abs(places - first - shift)
        weight = np.maximum(1 - distance, 0)
        if kernel == "cubic":
            weight = _cubic(distance)
        row = np.clip(first + shift, 0, size - 1)
        np.add.at(matrix, (np.arange(target), row), weight)
    return matrix.astype(np.float32)


def _cubic(distance: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns Keys' cubic kernel (1981, Eq. 15), for distances up to 2."""
    d, a = distance, _SHARPNESS
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, far)


def resize_grid(
    grid: Float[Array, "h w c"],
    height: int,
    width: int,
    kernel: Literal["linear", "cubic"],
) -> Float[Array, "h2 w2 c"]:
    """Returns an image or a table of positions at another size; see `resizing`."""
    if grid.shape[:2] == (height, width):
        return grid
    return jnp.einsum(
        "yh,hwc,xw->yxc",
        resizing(grid.shape[0], height, kernel),
        grid,
        resizing(grid.shape[1], width, kernel),
        precision=lax.Precision.HIGHEST,
    )
