"""Rigid motions as 4x4 matrices, with the exponential of twists.

A twist is (v, w): translation part first, then the rotation vector in radians, as in
Lynch and Park, "Modern Robotics", chapter 3 (with the order of the two parts swapped,
as Sophus and jaxlie have it). Value and gradient are finite at zero motion.
"""

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

# Below this squared angle (half a radian) Taylor series take over. The closed forms
# lose digits long before they divide by zero: with series only below 0.01 rad, the
# float32 gradient of `exp` at 0.02 rad is off by 1e-4, so here by less than 1e-6.
_SMALL_ANGLE_SQUARED = 0.25
_SINE = [(-1) ** k / math.factorial(2 * k + 1) for k in range(7)]
_COSINE = [(-1) ** k / math.factorial(2 * k + 2) for k in range(7)]
_CUBIC = [(-1) ** k / math.factorial(2 * k + 3) for k in range(7)]


def matmul(
    left: Float[Array, "..."], right: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Returns left @ right in full float32.

    Elsewhere a GPU may round float32 factors to TF32, whose 10 bits move a point one
    metre away by half a millimetre: too coarse for poses.
    """
    return jnp.matmul(left, right, precision=lax.Precision.HIGHEST)


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
    squared = jnp.dot(w, w, precision=lax.Precision.HIGHEST)
    sine, cosine, cubic = series(squared)
    cross = skew(w)
    cross2 = matmul(cross, cross)
    eye = jnp.eye(3, dtype=twist.dtype)
    rotation = eye + sine * cross + cosine * cross2
    return from_parts(rotation, matmul(eye + cosine * cross + cubic * cross2, v))


def series(squared: Float[Array, ""]) -> tuple[Array, Array, Array]:
    """Returns sin a / a, (1 - cos a) / a^2 and (a - sin a) / a^3 of a squared angle."""
    small = squared < _SMALL_ANGLE_SQUARED
    safe_squared = jnp.where(small, 1.0, squared)
    angle = jnp.sqrt(safe_squared)
    sine, cosine, cubic = (
        jnp.where(small, _polynomial(series, squared), closed)
        for series, closed in (
            (_SINE, jnp.sin(angle) / angle),
            (_COSINE, (1 - jnp.cos(angle)) / safe_squared),
            (_CUBIC, (angle - jnp.sin(angle)) / (safe_squared * angle)),
        )
    )
    return sine, cosine, cubic


def _polynomial(coefficients: Sequence[float], x: Float[Array, ""]) -> Float[Array, ""]:
    """Returns the sum of coefficients[k] * x**k."""
    value = jnp.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def inverse(transform: Float[Array, "4 4"]) -> Float[Array, "4 4"]:
    """Returns the inverse of a rigid motion."""
    rotation = transform[:3, :3].T
    return from_parts(rotation, -matmul(rotation, transform[:3, 3]))


def apply(
    transform: Float[Array, "4 4"], point: Float[Array, "3"]
) -> Float[Array, "3"]:
    """Returns a point after a rigid motion."""
    return matmul(transform[:3, :3], point) + transform[:3, 3]


def about(
    motion: Float[Array, "4 4"], center: Float[Array, "3"]
) -> Float[Array, "4 4"]:
    """Returns the motion carried out about `center` instead of the origin."""
    rotation, translation = motion[:3, :3], motion[:3, 3]
    return from_parts(rotation, translation + center - matmul(rotation, center))


def orthonormalize(transform: Float[Array, "4 4"]) -> Float[Array, "4 4"]:
    """Returns the transform with its rotation made orthonormal by Gram-Schmidt."""
    x, y = transform[0, :3], transform[1, :3]
    x = x / jnp.sqrt(jnp.sum(x * x))
    y = y - jnp.sum(x * y) * x
    y = y / jnp.sqrt(jnp.sum(y * y))
    return from_parts(jnp.stack([x, y, jnp.cross(x, y)]), transform[:3, 3])
