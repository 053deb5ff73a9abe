"""Rigid motions as 4x4 matrices, with exponential and logarithm.

A twist is (v, w): translation part first, then the rotation vector in radians, as in
Lynch and Park, "Modern Robotics", chapter 3 (with the order of the two parts swapped,
as Sophus and jaxlie have it). Value and gradient are finite at zero motion.
"""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

# Below this squared angle the Taylor series is exact to float32 rounding.
_SMALL_ANGLE_SQUARED = 1e-4


def skew(w: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """Returns [w], the matrix with [w] @ x = cross(w, x)."""
    zero = jnp.zeros_like(w[0])
    return jnp.stack(
        [
            jnp.stack([zero, -w[2], w[1]]),
            jnp.stack([w[2], zero, -w[0]]),
            jnp.stack([-w[1], w[0], zero]),
        ]
    )


def from_parts(
    rotation: Float[Array, "3 3"], translation: Float[Array, "3"]
) -> Float[Array, "4 4"]:
    """Returns the 4x4 matrix of x -> rotation @ x + translation."""
    top = jnp.concatenate([rotation, translation[:, None]], axis=1)
    bottom = jnp.array([[0.0, 0.0, 0.0, 1.0]], dtype=top.dtype)
    return jnp.concatenate([top, bottom], axis=0)


def exp(twist: Float[Array, "6"]) -> Float[Array, "4 4"]:
    """Returns the rigid motion of a twist (Modern Robotics, equations 3.51 and 3.88).

    Args:
        twist: (v, w), translation part in scene units and rotation vector in radians.
    """
    v, w = twist[:3], twist[3:]
    squared = jnp.dot(w, w)
    small = squared < _SMALL_ANGLE_SQUARED
    safe_squared = jnp.where(small, 1.0, squared)
    angle = jnp.sqrt(safe_squared)
    sine = jnp.where(small, 1 - squared / 6, jnp.sin(angle) / angle)
    cosine = jnp.where(
        small, 0.5 - squared / 24, (1 - jnp.cos(angle)) / safe_squared
    )
    cubic = jnp.where(
        small, 1 / 6 - squared / 120, (angle - jnp.sin(angle)) / (safe_squared * angle)
    )
    cross = skew(w)
    cross2 = cross @ cross
    eye = jnp.eye(3, dtype=twist.dtype)
    rotation = eye + sine * cross + cosine * cross2
    return from_parts(rotation, (eye + cosine * cross + cubic * cross2) @ v)


def inverse(transform: Float[Array, "4 4"]) -> Float[Array, "4 4"]:
    """Returns the inverse of a rigid motion."""
    rotation = transform[:3, :3].T
    return from_parts(rotation, -rotation @ transform[:3, 3])


def about(
    motion: Float[Array, "4 4"], center: Float[Array, "3"]
) -> Float[Array, "4 4"]:
    """Returns the motion carried out about `center` instead of the origin."""
    rotation, translation = motion[:3, :3], motion[:3, 3]
    return from_parts(rotation, translation + center - rotation @ center)


def orthonormalize(transform: Float[Array, "4 4"]) -> Float[Array, "4 4"]:
    """Returns the transform with its rotation made orthonormal by Gram-Schmidt."""
    x = transform[0, :3]
    x = x / jnp.sqrt(jnp.dot(x, x))
    y = transform[1, :3]
    y = y - jnp.dot(x, y) * x
    y = y / jnp.sqrt(jnp.dot(y, y))
    return from_parts(jnp.stack([x, y, jnp.cross(x, y)]), transform[:3, 3])


def rotation_angle(rotation: Float[Array, "3 3"]) -> Float[Array, ""]:
    """Returns the angle of a rotation in radians, accurate from 0 to pi.

    It is the full angle of SplatPose's equation 8 (2 arccos |<q1, q2>|).
    """
    axis = jnp.stack(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    squared = jnp.dot(axis, axis)
    positive = squared > 0
    twice_sine = jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), 0.0)
    return jnp.arctan2(twice_sine, jnp.trace(rotation) - 1)
