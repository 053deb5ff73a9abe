"""How matched points move from a view to a photograph: shift, turn and zoom."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

# Residual, as a tangent, at which a pair counts half. Seen from 15 degrees aside,
# points of an object that fills a photograph move by some of these among themselves.
_SCALE = 0.03
_ROUNDS = 8
# Points of less weight than this tell no turn and no zoom.
_LEAST = 3.0


class Similarity(NamedTuple):
    """A similarity of the image plane; x + iy becomes `factor` times it plus `shift`.

    Attributes:
        factor: its angle is the turn from the column to the row axis, its size the
            zoom, as real and imaginary part.
        shift: added afterwards, as real and imaginary part.
    """

    factor: Float[Array, "2"]
    shift: Float[Array, "2"]


def similarity(
    before: Float[Array, "n 2"], after: Float[Array, "n 2"], weights: Float[Array, " n"]
) -> Similarity:
    """Returns the similarity that most pairs of points agree with.

    It is found by weighted least squares, again and again, where pairs weigh the less
    the farther they are from it (Cauchy's loss). The identity where the weights are
    fewer than three points'.

    Args:
        before: x and y in the view, as tangents, [n, 2].
        after: in the photograph, [n, 2].
        weights: of the pairs; 0 where there is none, [n].
    """
    given = weights
    for _ in range(_ROUNDS):
        total = jnp.maximum(jnp.sum(given), 1e-12)
        middle = jnp.sum(given[:, None] * before, axis=0) / total
        end = jnp.sum(given[:, None] * after, axis=0) / total
        x, y = before - middle, after - end
        power = jnp.maximum(jnp.sum(given * jnp.sum(x * x, axis=1)), 1e-12)
        along = jnp.sum(given * jnp.sum(x * y, axis=1)) / power
        across = jnp.sum(given * (x[:, 0] * y[:, 1] - x[:, 1] * y[:, 0])) / power
        factor = jnp.stack([along, across])
        shift = end - applied(factor, middle)
        off = applied(factor, before) + shift - after
        given = weights / (1 + jnp.sum(off * off, axis=1) / _SCALE**2)
    told = jnp.sum(weights) >= _LEAST
    still = jnp.array([1.0, 0.0], jnp.float32)
    return Similarity(jnp.where(told, factor, still), jnp.where(told, shift, 0.0))


def applied(
    factor: Float[Array, "2"], points: Float[Array, "*n 2"]
) -> Float[Array, "*n 2"]:
    """Returns points turned and zoomed: products of complex numbers."""
    x, y = points[..., 0], points[..., 1]
    return jnp.stack(
        [factor[0] * x - factor[1] * y, factor[0] * y + factor[1] * x], axis=-1
    )
