"""How a view changes when its camera moves: forward-mode tangents of the projection."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import harmonics, projection
from jaxsplat.rendering.projection import Splats
from jaxsplat.scene.gaussians import Gaussians

POSE = 6  # parameters of a rigid motion
AXES = 3  # coordinates of the eye
TERMS = 6  # coefficients of a power's tangent, with that of the peak opacity


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
    return cameras.with_pose(
        camera, moved_pose(camera.camera_from_world, twist, center)
    )


def moved_pose(
    pose: Float[Array, "4 4"], twist: Float[Array, "6"], center: Float[Array, "3"]
) -> Float[Array, "4 4"]:
    """Returns a `camera_from_world` after the motion of `moved`."""
    motion = se3.about(se3.exp(twist), se3.apply(pose, center))
    return se3.matmul(motion, pose)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Tangents:
    """Derivatives of splats by the six parameters of `moved`, at no motion.

    Attributes:
        power: of a splat's log opacity at a pixel, as a polynomial of the offset
            from pixel to splat, with the coefficients of dx^2, dx dy, dy^2, dx, dy
            and, where the peak opacity changes too, 1; [n, 6, 5 or 6].
        tints: derivatives of a splat's colour by the three coordinates of the eye, and
            of these by the parameters, [n, 3, 3] and [6, 3]. None where colours do not
            depend on the view.
    """

    power: Float[Array, "n 6 t"]
    tints: tuple[Float[Array, "n 3 3"], Float[Array, "6 3"]] | None


def rows(
    tangents: Tangents, settings: Float[Array, " c"], terms: int
) -> tuple[Float[Array, "n m"], Float[Array, " c2"]]:
    """Returns tangents as the kernels of the normal equations take them.

    These are those of the powers and, where colours have any, of the colours behind
    them, by row; and the settings, with those of the eye behind them likewise.

    Args:
        tangents: of `n` splats.
        settings: of the image, see `normal_form.EYE`.
        terms: coefficients of each power's tangent, filled up with 0.
    """
    lacking = terms - tangents.power.shape[2]
    power = jnp.pad(tangents.power, ((0, 0), (0, 0), (0, lacking)))
    moving = power.reshape(-1, POSE * terms)
    if tangents.tints is None:
        return moving, settings
    by_eye, eye = tangents.tints
    colors = by_eye.reshape(len(moving), -1)
    settings = jnp.concatenate([settings, eye.reshape(-1)])
    return jnp.concatenate([moving, colors], axis=1), settings


def project(
    gaussians: Gaussians,
    camera: Camera,
    center: Float[Array, "3"],
    minification: float | Float[Array, ""] | None = None,
) -> tuple[Splats, Tangents]:
    """Returns the splats of `projection.project` and how they move with the camera."""
    still, axes = jnp.zeros(POSE, jnp.float32), jnp.eye(POSE, dtype=jnp.float32)

    def at(twist: Float[Array, "6"]) -> tuple[tuple[Array, ...], Splats]:
        found = projection.project(
            gaussians, moved(camera, twist, center), minification
        )
        return (found.means, found.factors, found.log_opacities), found

    _, push, splats = jax.linearize(at, still, has_aux=True)
    means, factors, log_opacities = (
        jnp.moveaxis(tangent, 0, 1) for tangent in jax.vmap(push)(axes)
    )
    du, dv = jnp.moveaxis(means, 2, 0)
    dp, dq, dr = jnp.moveaxis(factors, 2, 0)
    p, q, r = splats.factors.T[:, :, None]
    shift, shift_aside = p * du + q * dv, r * dv
    power = [
        -p * dp,
        -(p * dq + q * dp),
        -(q * dq + r * dr),
        -p * shift,
        -(q * shift + r * shift_aside),
    ]
    # Rows that are culled have no opacity, and no tangent of it either.
    seen = splats.reach[:, None] > 0
    if minification is not None:
        power.append(jnp.where(seen, log_opacities, 0.0))
    tints = None
    if gaussians.sh_rest is not None:

        def eye_at(twist: Float[Array, "6"]) -> Float[Array, "3"]:
            return cameras.position(moved(camera, twist, center))

        eye, push = jax.linearize(eye_at, still)
        by_eye = jax.jacfwd(lambda eye: harmonics.view_colors(gaussians, eye))(eye)
        cleaned = jnp.where(seen[..., None], jnp.swapaxes(by_eye, 1, 2), 0.0)
        tints = cleaned, jax.vmap(push)(axes)
    return splats, Tangents(jnp.stack(power, axis=2), tints)
