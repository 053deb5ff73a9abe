"""Whether a photograph or a render shows the object at all."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat.data.background import TOLERANCE

# An object that covers less of the image than this is not in view: ten pixels of a
# 100x100 image, from which no pose can be told.
MIN_COVERAGE = 1e-3


def shows_object(
    query: Float[Array, "h w 3"], background: Float[Array, "3"]
) -> Bool[Array, ""]:
    """Returns whether a photograph shows more than its background.

    A pixel does when a channel differs by more than the two grey levels that
    `data.silhouette` allows; `MIN_COVERAGE` of them make an object.
    """
    marked = jnp.any(jnp.abs(query - background) > TOLERANCE, axis=-1)
    return jnp.mean(marked.astype(jnp.float32)) >= MIN_COVERAGE
