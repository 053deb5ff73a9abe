"""New poses beside known ones: RPE-PAD's random view synthesis scheme (RVSS)."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core import se3
from jaxsplat.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Perturbation:
    """How far new poses are from known ones; the defaults are the paper's.

    The paper adds independent Gaussian noise of mean 0 to rotation and translation and
    does not say how. Here the noise of the rotation is a rotation vector in the
    camera's axes, about the object's centre, which is the origin in the paper's data;
    that of the translation moves the object in the camera's axes, in scene units, of
    which cameras are 4 away, as in the paper's data.

    Attributes:
        views: M, new poses for each known one.
        rotation: sigma_r, deviation of each entry of the rotation vector in radians.
        translation: sigma_t, deviation of each entry of the translation.
    """

    views: int = 3
    rotation: float = 0.02
    translation: float = 0.1

    def __post_init__(self) -> None:
        if self.views < 0:
            raise ConfigError(f"views: found {self.views}, expected 0 or more")
        for name in ("rotation", "translation"):
            value = getattr(self, name)
            if not value >= 0:
                raise ConfigError(f"{name}: found {value}, expected a number >= 0")


def perturbed(
    pose: Float[Array, "4 4"],
    center: Float[Array, "3"],
    noise: Perturbation,
    key: PRNGKeyArray,
) -> Float[Array, "4 4"]:
    """Returns a pose drawn beside a known one.

    Args:
        pose: `camera_from_world`, [4, 4].
        center: of the object in the world, [3].
        noise: how far beside.
        key: of the draw.
    """
    scale = jnp.array([noise.translation] * 3 + [noise.rotation] * 3, jnp.float32)
    drawn = scale * jax.random.normal(key, (6,), jnp.float32)
    zero = jnp.zeros(3, jnp.float32)
    turn = se3.exp(jnp.concatenate([zero, drawn[3:]]))[:3, :3]
    rotation = se3.matmul(turn, pose[:3, :3])
    seen = se3.apply(pose, center) + drawn[:3]
    return se3.from_parts(rotation, seen - se3.matmul(rotation, center))
