"""SplatPose's path: a rigid motion of the world by a screw, seven numbers."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core import se3
from jaxsplat.core.screw import screw_exp, screw_exp_published


class ScrewPath(NamedTuple):
    """Points are the seven parameters of `motion`.

    Attributes:
        start: coarse `camera_from_world`, [4, 4].
        center: point about which the motion is carried out, [3].
        published: as in `motion`.
    """

    start: Float[Array, "4 4"]
    center: Float[Array, "3"]
    published: bool

    @property
    def dimension(self) -> int:
        return 7

    def pose(self, point: Float[Array, "7"]) -> Float[Array, "4 4"]:
        """Returns the start, moved; see `adam_loop.Path`."""
        return se3.matmul(self.start, motion(point, self.center, self.published))

    def moved(
        self, point: Float[Array, "7"], step: Float[Array, "7"]
    ) -> Float[Array, "7"]:
        """Returns the sum."""
        return point + step

    def rate(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """Returns the rate of the published code."""
        return learning_rate(step)


def learning_rate(step: Int[Array, ""]) -> Float[Array, ""]:
    """Returns the rate of a step, counted from 0, as the published code has it.

    It starts Adam at .001 (the paper's rate) and sets .01 * .8^(k/100) after k steps.
    """
    decayed = 0.01 * jnp.float32(0.8) ** (step.astype(jnp.float32) / 100)
    return jnp.where(step == 0, 0.001, decayed)


def motion(
    parameters: Float[Array, "7"], center: Float[Array, "3"], published: bool = False
) -> Float[Array, "4 4"]:
    """Returns the world's motion T (SplatPose, equations 4 to 6).

    Args:
        parameters: axis w, moment v in scene units per radian, angle in radians.
        center: point about which the motion is carried out, [3]; the paper's is the
            origin, which is where its data sets have the object.
        published: the published code's variant, whose upper left block is no rotation:
            x' = R(w)^T x + t with w of any length.
    """
    axis, moment, angle = parameters[:3], parameters[3:6], parameters[6]
    if not published:
        return se3.about(screw_exp(axis, moment, angle), center)
    moved = screw_exp_published(axis, moment, angle)
    return se3.about(se3.from_parts(moved[:3, :3].T, moved[:3, 3]), center)
