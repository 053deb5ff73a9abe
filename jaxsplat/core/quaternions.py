"""Rotations as quaternions in (w, x, y, z) order."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import columns, safe
from jaxsplat.core.columns import Columns


def normalize(quats: Float[Array, "... 4"]) -> Float[Array, "... 4"]:
    """Returns unit quaternions; the zero quaternion becomes the identity."""
    unit = safe.normalize(quats)
    is_zero = jnp.sum(quats * quats, axis=-1, keepdims=True) == 0
    identity = jnp.array([1.0, 0.0, 0.0, 0.0], dtype=quats.dtype)
    return jnp.where(is_zero, identity, unit)


def to_rotation(quats: Float[Array, "... 4"]) -> Float[Array, "... 3 3"]:
    """Returns the rotation matrix of each quaternion, which need not have unit norm."""
    rows = [jnp.stack(row, axis=-1) for row in rotation_rows(quats)]
    return jnp.stack(rows, axis=-2)


def rotation_rows(quats: Float[Array, "... 4"]) -> list[Columns]:
    """Returns the rows of `to_rotation`, entry by entry."""
    w, x, y, z = columns.split(normalize(quats))
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]


def from_rotation(rotations: Float[Array, "... 3 3"]) -> Float[Array, "... 4"]:
    """Returns the unit quaternion of each rotation matrix whose w is not negative.

    Of the four ways to find one, that which divides by the largest component is taken
    (Shepperd 1978), so that no angle is inexact.
    """
    (a, b, c), (d, e, f), (g, h, i) = (
        (rotations[..., row, 0], rotations[..., row, 1], rotations[..., row, 2])
        for row in range(3)
    )
    # Four times each component times all of them, component by component.
    ways = jnp.stack(
        [
            jnp.stack([1 + a + e + i, h - f, c - g, d - b], axis=-1),
            jnp.stack([h - f, 1 + a - e - i, b + d, c + g], axis=-1),
            jnp.stack([c - g, b + d, 1 - a + e - i, f + h], axis=-1),
            jnp.stack([d - b, c + g, f + h, 1 - a - e + i], axis=-1),
        ],
        axis=-2,
    )
    largest = jnp.argmax(jnp.diagonal(ways, axis1=-2, axis2=-1), axis=-1)
    chosen = jnp.take_along_axis(ways, largest[..., None, None], axis=-2)[..., 0, :]
    unit = normalize(chosen)
    return jnp.where(unit[..., :1] < 0, -unit, unit)
