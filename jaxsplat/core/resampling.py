"""Images at other sizes."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int


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


def pixel_centers(size: int) -> Float[Array, " size"]:
    """Returns where the pixels' centres are along an image's side."""
    return jnp.arange(size, dtype=jnp.float32) + 0.5


def bilinear(
    image: Float[Array, "c h w"], x: Float[Array, "..."], y: Float[Array, "..."]
) -> Float[Array, "c ..."]:
    """Returns an image between its pixels.

    Args:
        image: channels first, [c, h, w], of two pixels or more either way.
        x: columns in pixels, the first one's centre at 0.5; beyond the outermost
            centres the image goes on unchanged.
        y: rows in the same way.
    """
    flat = image.reshape(image.shape[0], -1)

    def at(place: Array) -> Array:
        return flat.at[:, place].get(mode="promise_in_bounds")

    return between_pixels(at, x, y, *image.shape[1:])


def between_pixels(
    at: Callable[[Int[Array, "..."]], Array],
    x: Float[Array, "..."],
    y: Float[Array, "..."],
    height: int,
    width: int,
) -> Array:
    """Returns `bilinear` of an image that is read by a function.

    Args:
        at: from places in the image, row by row, to the values there.
        x: columns in pixels; `y` rows.
        y: see `x`.
        height: of the image.
        width: of the image.
    """
    x = jnp.clip(x - 0.5, 0.0, width - 1.0)
    y = jnp.clip(y - 0.5, 0.0, height - 1.0)
    # Clipped as integers too, since NaN may become any.
    column = jnp.clip(x.astype(jnp.int32), 0, width - 2)
    row = jnp.clip(y.astype(jnp.int32), 0, height - 2)
    right, below = x - column.astype(x.dtype), y - row.astype(y.dtype)
    place = row * width + column
    first, third = at(place), at(place + width)
    above = first + right * (at(place + 1) - first)
    under = third + right * (at(place + width + 1) - third)
    return above + below * (under - above)
