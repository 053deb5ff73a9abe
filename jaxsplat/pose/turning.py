"""Starts turned by little all around, for photographs that mislead the alignment.

Where a large part of the object is missing, each start slides into a wrong valley near
it, while the right pose, of less cost, is some degrees away.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.rendering import motion

# Angle up to which starts are turned: gallery views are some 15 degrees apart, and an
# alignment ends up to 15 from the right pose.
_REACH = math.radians(25.0)
# Steps of an additive recurrence that fills the cube evenly, powers of the inverse of
# the root of x^4 = x + 1 (Roberts 2018).
_RECURRENCE = 1.2207440846057596 ** -np.arange(1.0, 4.0)


def turned(
    poses: Float[jax.Array, "b k 4 4"], center: Float[jax.Array, "3"], count: int
) -> Float[jax.Array, "b k2 4 4"]:
    """Returns each pose, and others at which the object is turned about its centre.

    Args:
        poses: `camera_from_world`, [b, k, 4, 4].
        center: of the object in the world, [3].
        count: of poses for each, itself the first; [b, k * count, 4, 4] in all.
    """
    each = jax.vmap(motion.moved_pose, in_axes=(None, 0, None))
    every = jax.vmap(jax.vmap(each, in_axes=(0, None, None)), in_axes=(0, None, None))
    return every(poses, jnp.asarray(_twists(count)), center).reshape(
        len(poses), -1, 4, 4
    )


def _twists(count: int) -> Float[np.ndarray, "n 6"]:
    """Returns rotations evenly within a ball of rotation vectors, none the first."""
    place = (np.arange(1, count)[:, None] * _RECURRENCE) % 1
    z, around = 2 * place[:, 1] - 1, 2 * np.pi * place[:, 2]
    ring = np.sqrt(1 - z * z)
    axes = np.stack([ring * np.cos(around), ring * np.sin(around), z], axis=1)
    vectors = _REACH * np.cbrt(place[:, :1]) * axes
    twists = np.zeros((count, 6), np.float32)
    twists[1:, 3:] = vectors
    return twists
