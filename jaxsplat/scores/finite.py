"""Maps of photographs in which a number is missing."""

import functools

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def nan_unless_finite(
    maps: Float[Array, "b map_h map_w"], *images: Float[Array, "b h w 3"]
) -> Float[Array, "b map_h map_w"]:
    """Returns maps, NaN throughout where an image holds a number that is not finite.

    Args:
        maps: made of the images, [b, map_h, map_w].
        images: RGB, all of one size, [b, h, w, 3] each.
    """
    finite = [jnp.all(jnp.isfinite(batch), axis=(1, 2, 3)) for batch in images]
    whole = functools.reduce(jnp.logical_and, finite)
    return jnp.where(whole[:, None, None], maps, jnp.nan)
