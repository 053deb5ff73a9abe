"""3D Gaussian splatting in float64 NumPy, written from Kerbl et al. 2023, as an oracle.

One Gaussian after another over the whole image, matrices as the paper has them. It
shares nothing with the package: rotations are SciPy's, colours are summed from the
complex spherical harmonics.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

Floats = NDArray[np.float64]

NEAR = 0.01


@dataclasses.dataclass
class Scene:
    """A cloud and one camera, arrays of float64; names as in the package's records."""

    means: Floats
    log_scales: Floats
    quats: Floats
    opacity_logits: Floats
    colors: Floats
    camera_from_world: Floats
    fx: Floats
    fy: Floats
    cx: Floats
    cy: Floats
    width: int
    height: int
    live: NDArray[np.bool_]
    sh_rest: Floats | None = None


def real_harmonics(direction: Floats, degree: int) -> Floats:
    """Returns the real spherical harmonics of degree 1 to `degree`, m from -l to l.

    Real parts for m >= 0 and imaginary parts of |m| for m < 0, times sqrt(2), with the
    Condon-Shortley phase: these are the signs of the published 3DGS code.
    """
    x, y, z = direction / np.linalg.norm(direction)
    polar, azimuth = np.arccos(np.clip(z, -1, 1)), np.arctan2(y, x)
    values = []
    for level in range(1, degree + 1):
        for order in range(-level, level + 1):
            value = sph_harm_y(level, abs(order), polar, azimuth)
            part = value.imag if order < 0 else value.real
            values.append(part * (np.sqrt(2) if order else 1.0))
    return np.array(values)


def _color(scene: Scene, row: int, eye: Floats) -> Floats:
    if scene.sh_rest is None:
        return scene.colors[row]
    degree = round(np.sqrt(scene.sh_rest.shape[1] + 1)) - 1
    basis = real_harmonics(scene.means[row] - eye, degree)
    return np.maximum(scene.colors[row] + basis @ scene.sh_rest[row], 0)


def _covariance(scene: Scene, row: int, point: Floats) -> Floats:
    """Returns the image-plane covariance (equation 5) with the 0.3 pixel dilation."""
    x, y, z = point
    fx, fy = float(scene.fx), float(scene.fy)
    tan_x, tan_y = 0.5 * scene.width / fx, 0.5 * scene.height / fy
    cx, cy = float(scene.cx), float(scene.cy)
    x = z * np.clip(
        x / z, -cx / fx - 0.3 * tan_x, (scene.width - cx) / fx + 0.3 * tan_x
    )
    y = z * np.clip(
        y / z, -cy / fy - 0.3 * tan_y, (scene.height - cy) / fy + 0.3 * tan_y
    )
    jacobian = np.array([[fx / z, 0, -fx * x / z**2], [0, fy / z, -fy * y / z**2]])
    axes = Rotation.from_quat(np.roll(scene.quats[row], -1)).as_matrix()
    variances = np.diag(np.exp(2 * scene.log_scales[row]))
    world = axes @ variances @ axes.T
    view = jacobian @ scene.camera_from_world[:3, :3]
    return view @ world @ view.T + 0.3 * np.eye(2)


def render(scene: Scene, background: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns colour [h, w, 3], alpha [h, w] and weighted depth [h, w]."""
    rotation, shift = scene.camera_from_world[:3, :3], scene.camera_from_world[:3, 3]
    points = scene.means @ rotation.T + shift
    xs, ys = np.meshgrid(np.arange(scene.width) + 0.5, np.arange(scene.height) + 0.5)
    transmittance = np.ones((scene.height, scene.width))
    color = np.zeros((scene.height, scene.width, 3))
    depth = np.zeros_like(transmittance)
    running = np.ones_like(transmittance, dtype=bool)
    for row in np.argsort(points[:, 2], kind="stable"):
        x, y, z = points[row]
        if not scene.live[row] or z <= NEAR:
            continue
        precision = np.linalg.inv(_covariance(scene, row, points[row]))
        du = xs - (scene.fx * x / z + scene.cx)
        dv = ys - (scene.fy * y / z + scene.cy)
        squared = (
            precision[0, 0] * du * du
            + 2 * precision[0, 1] * du * dv
            + precision[1, 1] * dv * dv
        )
        opacity = 1 / (1 + np.exp(-scene.opacity_logits[row]))
        alpha = np.minimum(0.99, opacity * np.exp(-0.5 * squared))
        alpha = np.where(alpha >= 1 / 255, alpha, 0)
        # A pixel ends before the splat that would take its transmittance below 1e-4.
        running &= transmittance * (1 - alpha) >= 1e-4
        weight = np.where(running, transmittance * alpha, 0)
        color += weight[..., None] * _color(scene, row, -rotation.T @ shift)
        depth += weight * z
        transmittance = np.where(running, transmittance * (1 - alpha), transmittance)
    color += transmittance[..., None] * background
    return color, 1 - transmittance, depth
