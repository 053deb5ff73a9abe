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
