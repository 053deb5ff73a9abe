"""SplatPose's parametrisation of a rigid motion: screw axis and angle.

Kruse et al. 2024, equations 4 to 6: the axis `w`, the moment `v` and the angle `theta`
are seven numbers that an optimiser moves freely. They enter only as sin(theta) times w
and theta times v, so the gradient vanishes where all are zero: that start is a
saddle, and the published one (normal, deviation 1e-6) spends tens of steps on leaving
it. Start with a unit axis and an angle off zero, or use `se3.exp`.
"""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import safe, se3


def screw_exp(
    axis: Float[Array, "3"], moment: Float[Array, "3"], angle: Float[Array, ""]
) -> Float[Array, "4 4"]:
    """Returns the motion by `angle` along a screw (SplatPose, equations 4 to 6).

    Args:
        axis: direction of the axis w, of any length: it is made a unit vector, as the
            paper has it. A zero axis turns nothing and leaves the shift angle * moment.
        moment: velocity v of the point at the origin in scene units per radian, [3].
        angle: theta in radians.
    """
    return screw_exp_published(safe.normalize(axis), moment, angle)


def screw_exp_published(
    axis: Float[Array, "3"], moment: Float[Array, "3"], angle: Float[Array, ""]
) -> Float[Array, "4 4"]:
    """Returns the same formulas with the axis as it is, as the published code does.

    With an axis of any other length than 1 the upper left block is not a rotation
    matrix. The published code applies its transpose to the points; that is the
    caller's part.

    Args:
        axis: w, which the optimiser lets drift from unit length, [3].
        moment: v in scene units per radian, [3].
        angle: theta in radians.
    """
    sine = jnp.sin(angle)
    half_sine = jnp.sin(0.5 * angle)
    one_minus_cosine = 2 * half_sine * half_sine  # keeps its digits at small angles
    cross = se3.skew(axis)
    cross2 = se3.matmul(cross, cross)
    eye = jnp.eye(3, dtype=axis.dtype)
    rotation = eye + sine * cross + one_minus_cosine * cross2
    shift = eye * angle + one_minus_cosine * cross + (angle - sine) * cross2
    return se3.from_parts(rotation, se3.matmul(shift, moment))
