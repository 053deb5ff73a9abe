"""Elliptical weighted average projection of Gaussians into one image."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import cameras, quaternions
from jaxsplat.core.cameras import Camera
from jaxsplat.render import constants, harmonics
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Splats:
    """Gaussians as seen in one image; culled ones have opacity 0 and reach 0.

    Attributes:
        means: centres in pixels, [n, 2].
        conics: inverse covariance (a, b, c) of a dx^2 + 2 b dx dy + c dy^2, [n, 3].
        depths: z in camera axes, [n].
        log_opacities: logarithm of the peak opacity, -inf where culled, [n].
        colors: RGB seen from this camera, [n, 3].
        reach: squared Mahalanobis distance at which opacity falls to `ALPHA_MIN`, [n].
        extents: half width and height in pixels of the ellipse at `reach`, [n, 2].
    """

    means: Float[Array, "n 2"]
    conics: Float[Array, "n 3"]
    depths: Float[Array, " n"]
    log_opacities: Float[Array, " n"]
    colors: Float[Array, "n 3"]
    reach: Float[Array, " n"]
    extents: Float[Array, "n 2"]


def _image_covariance(
    points: Float[Array, "n 3"], gaussians: Gaussians, camera: Camera
) -> tuple[Array, Array, Array]:
    """Returns (xx, xy, yy) of the image-plane covariance before dilation, [n] each.

    Zwicker et al. 2001 (EWA volume splatting), equation 31; `points` in camera axes.
    """
    x, y, z = points.T
    # The ray is clamped a little outside the image, as Kerbl's code does: far outside,
    # the linearised perspective would blow the splat up.
    half_x = constants.FRUSTUM_MARGIN * 0.5 * camera.width / camera.fx
    half_y = constants.FRUSTUM_MARGIN * 0.5 * camera.height / camera.fy
    mid_x = (0.5 * camera.width - camera.cx) / camera.fx
    mid_y = (0.5 * camera.height - camera.cy) / camera.fy
    tx = jnp.clip(x / z, mid_x - half_x, mid_x + half_x)
    ty = jnp.clip(y / z, mid_y - half_y, mid_y + half_y)
    axes = camera.camera_from_world[:3, :3] @ quaternions.to_rotation(gaussians.quats)
    axes = axes * scene.scales(gaussians)[:, None, :]
    # Rows of J @ R @ S, so that the covariance is their Gram matrix.
    row_u = (camera.fx / z)[:, None] * (axes[:, 0] - tx[:, None] * axes[:, 2])
    row_v = (camera.fy / z)[:, None] * (axes[:, 1] - ty[:, None] * axes[:, 2])
    return (
        jnp.sum(row_u * row_u, axis=1),
        jnp.sum(row_u * row_v, axis=1),
        jnp.sum(row_v * row_v, axis=1),
    )


def project(gaussians: Gaussians, camera: Camera) -> Splats:
    """Returns the splats of a cloud in one camera's image.

    Differentiable in every Gaussian parameter and in the camera, except `reach` and
    `extents`, which only choose tiles. Rows that are not live, behind the near plane or
    not finite are culled.
    """
    rotation = camera.camera_from_world[:3, :3]
    points = gaussians.means @ rotation.T + camera.camera_from_world[:3, 3]
    finite = jnp.all(jnp.isfinite(points), axis=1)
    visible = finite & (points[:, 2] > constants.NEAR)
    points = jnp.where(visible[:, None], points, jnp.array([0.0, 0.0, 1.0]))
    xx, xy, yy = _image_covariance(points, gaussians, camera)
    # det(C + d I) = det C + d tr C + d^2, each term kept non-negative, because the plain
    # difference of products loses its sign for long thin splats.
    dilation = constants.DILATION_PX2
    determinant = (
        jnp.maximum(xx * yy - xy * xy, 0.0) + dilation * (xx + yy) + dilation**2
    )
    visible = visible & jnp.isfinite(determinant)
    determinant = jnp.where(visible, determinant, 1.0)
    xx, yy = xx + dilation, yy + dilation
    conics = jnp.stack([yy, -xy, xx], axis=1) / determinant[:, None]
    conics = jnp.where(visible[:, None], conics, 0.0)
    log_opacities = jnp.where(
        visible & gaussians.live,
        jax.nn.log_sigmoid(gaussians.opacity_logits),
        -jnp.inf,
    )
    x, y, z = points.T
    means = jnp.stack(
        [camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], axis=1
    )
    reach = 2 * jnp.maximum(log_opacities - math.log(constants.ALPHA_MIN), 0.0)
    half = jnp.sqrt(reach[:, None] * jnp.stack([xx, yy], axis=1))
    half = jnp.where(visible[:, None] & jnp.isfinite(half), half, 0.0)
    return Splats(
        means,
        conics,
        z,
        log_opacities,
        harmonics.view_colors(gaussians, cameras.position(camera)),
        lax.stop_gradient(reach),
        lax.stop_gradient(half),
    )
