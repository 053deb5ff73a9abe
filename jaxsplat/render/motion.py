"""How a view changes when its camera moves: forward-mode tangents of the projection."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.render import projection
from jaxsplat.render.projection import Splats
from jaxsplat.scene.gaussians import Gaussians

POSE = 6  # parameters of a rigid motion


def moved(
    camera: Camera, twist: Float[Array, "6"], center: Float[Array, "3"]
) -> Camera:
    """Returns the camera after a rigid motion of the scene before it.

    `camera_from_world` is multiplied from the left by the exponential of the twist,
    carried out about `center`: rotations turn what is seen about that point, and
    translations are along the camera's axes.

    Args:
        camera: one camera.
        twist: translation in scene units, then rotation vector in radians, both in
            camera axes, [6].
        center: point in the world, [3].
    """
    pose = camera.camera_from_world
    here = se3.apply(pose, center)
    motion = se3.about(se3.exp(twist), here)
    return cameras.with_pose(camera, se3.matmul(motion, pose))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tangents:
    """Derivatives of splats by the six parameters of `moved`, at no motion.

    Attributes:
        power: of a splat's log opacity at a pixel, as coefficients of s dx, s dy, s,
            t dy, t and, where the peak opacity changes too, 1, with s = p dx + q dy and
            t = r dy of `Splats.factors`; [n, 6, 5 or 6].
        colors: of the colour, None where it does not depend on the view, [n, 6, 3].
    """

    power: Float[Array, "n 6 t"]
    colors: Float[Array, "n 6 3"] | None


def project(
    gaussians: Gaussians,
    camera: Camera,
    center: Float[Array, "3"],
    minification: float | Float[Array, ""] | None = None,
) -> tuple[Splats, Tangents]:
    """Returns the splats of `projection.project` and how they move with the camera."""

    def at(twist: Float[Array, "6"]) -> tuple[tuple[Array, ...], Splats]:
        found = projection.project(
            gaussians, moved(camera, twist, center), minification
        )
        moving = found.means, found.factors, found.log_opacities, found.colors
        return moving, found

    _, push, splats = jax.linearize(at, jnp.zeros(POSE), has_aux=True)
    means, factors, log_opacities, colors = (
        jnp.moveaxis(tangent, 0, 1) for tangent in jax.vmap(push)(jnp.eye(POSE))
    )
    du, dv = jnp.moveaxis(means, 2, 0)
    dp, dq, dr = jnp.moveaxis(factors, 2, 0)
    p, q, r = splats.factors.T[:, :, None]
    power = [-dp, -dq, -(p * du + q * dv), -dr, -r * dv]
    if minification is not None:
        # Rows that are culled have no opacity, and no tangent of it either.
        seen = splats.reach[:, None] > 0
        power.append(jnp.where(seen, log_opacities, 0.0))
    tinted = None if gaussians.sh_rest is None else colors
    return splats, Tangents(jnp.stack(power, axis=2), tinted)
