"""The coverage of closed surfaces that consist of many opaque, flat Gaussians.

Blending multiplies transmittances as if what the Gaussians hide were independent. Along
an outline it is not: where a pixel is half covered the same half is covered by front,
back and all that overlap, and alpha is near 1. An outline is so half a pixel and a cell
too wide all round, which doubles the area of a chair's rungs. The logarithm of the
transmittance adds up what the Gaussians cover; as a share of what a closed surface's
front and back have inside the outline, it is the pixel's coverage.
"""

import math

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

# How many times finer than the photographs the surface is: the renderer's low-pass is
# then a pixel's own width, and not what blurs a cloud that photographs made.
SHARPNESS = 8.0
_SIDES = 2.0  # of a closed surface, that every ray through it crosses


def coverage(alpha: Float[Array, "*b h w"], scale: float) -> Float[Array, "*b h w"]:
    """Returns the share of each pixel that a closed surface covers.

    Args:
        alpha: as rendered, in [0, 1].
        scale: of `scene.meshes.Mesh2Splat`: a cell's Gaussian covers 2 pi scale^2 of
            the cell, in units of its opacity.
    """
    inside = _SIDES * 2 * math.pi * scale**2
    through = jnp.maximum(1 - alpha, jnp.exp(jnp.float32(-inside)))
    return -jnp.log(through) / inside
