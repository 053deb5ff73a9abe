"""The relative pose of two cameras (RPE-PAD, equations 1 and 2).

A pose maps points of the world into a camera's axes: x -> R x + t. Equation 1 calls
P_12 the transformation from camera 1 to camera 2 and gives its translation as
R1 (t2 - t1). That is not what its name says: the motion that carries camera 1's axes
to camera 2's has t2 - R12 t1. Both tell the second pose from the first one, and so does
a third, which keeps apart what a network sees apart: how the object turned, and how it
moved in front of the camera.
"""

from typing import Literal

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import quaternions, se3

# "rigid": the translation of the motion from camera 1 to camera 2. "printed": equation
# 1's. "centered": by how much the object's centre moved in the camera's axes.
Translation = Literal["rigid", "printed", "centered"]


def relative(
    first: Float[Array, "4 4"],
    second: Float[Array, "4 4"],
    center: Float[Array, "3"],
    translation: Translation = "rigid",
) -> tuple[Float[Array, "4"], Float[Array, "3"]]:
    """Returns the rotation as a unit quaternion with w >= 0, and the translation.

    Args:
        first: `camera_from_world` of one camera, [4, 4].
        second: of the other, [4, 4].
        center: of the object in the world, [3].
        translation: which one.
    """
    between = se3.matmul(second[:3, :3], first[:3, :3].T)
    start, end = first[:3, 3], second[:3, 3]
    if translation == "rigid":
        moved = end - se3.matmul(between, start)
    elif translation == "printed":
        moved = se3.matmul(first[:3, :3], end - start)
    else:
        moved = se3.apply(second, center) - se3.apply(first, center)
    return quaternions.from_rotation(between), moved


def moved(
    first: Float[Array, "4 4"],
    quaternion: Float[Array, "4"],
    offset: Float[Array, "3"],
    center: Float[Array, "3"],
    translation: Translation = "rigid",
) -> Float[Array, "4 4"]:
    """Returns the second pose, `camera_from_world`: `relative` the other way round.

    Args:
        first: pose of the first camera, [4, 4].
        quaternion: the relative rotation, of any length but 0, [4].
        offset: the relative translation, [3].
        center: of the object in the world, [3].
        translation: which one `offset` is.
    """
    between = quaternions.to_rotation(quaternion)
    rotation = se3.matmul(between, first[:3, :3])
    start = first[:3, 3]
    if translation == "rigid":
        end = offset + se3.matmul(between, start)
    elif translation == "printed":
        end = se3.matmul(first[:3, :3].T, offset) + start
    else:
        end = offset + se3.apply(first, center) - se3.matmul(rotation, center)
    return se3.from_parts(rotation, end)


def normalized(quaternion: Float[Array, "*b 4"]) -> Float[Array, "*b 4"]:
    """Returns unit quaternions, the identity where there is no direction."""
    return quaternions.normalize(jnp.asarray(quaternion))
