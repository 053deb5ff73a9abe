"""Images at other sizes."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float


def area_weights(size: int, side: int) -> Float[np.ndarray, "side size"]:
    """Returns the matrix that reduces `size` pixels to `side` area means."""
    edges = np.linspace(0.0, size, side + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(
        edges[:-1, None], pixels
    )
    return (np.maximum(overlap, 0.0) * (side / size)).astype(np.float32)


def area_resize(
    images: Float[Array, "b h w c"], height: int, width: int
) -> Float[Array, "b h2 w2 c"]:
    """Returns images in which each pixel is the mean over the area that it covers."""
    return jnp.einsum(
        "yh,bhwc,xw->byxc",
        area_weights(images.shape[1], height),
        images,
        area_weights(images.shape[2], width),
        precision=jax.lax.Precision.HIGHEST,
    )
