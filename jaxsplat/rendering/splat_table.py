"""Splats as rows of one table, the form in which compositors gather them."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering.projection import Splats

# Columns: u, v, factors p, q, r, log opacity, red, green, blue, depth.
WIDTH = 10
LOG_OPACITY = 5
COLORS = slice(6, 10)  # what is blended: the colour and the depth
CHANNELS = 5  # of a composited image: red, green, blue, depth, coverage


def table(splats: Splats) -> Float[Array, "n r"]:
    """Returns the splats' records, [n, WIDTH]."""
    columns = [
        splats.means,
        splats.factors,
        splats.log_opacities[:, None],
        splats.colors,
        splats.depths[:, None],
    ]
    return jnp.concatenate(columns, axis=1)
