"""First guesses of a scene: on a surface, at random, at given points."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.scene.hull import SurfacePoints
from jaxsplat.scene.pinhole import in_image, project_points

# A flat splat's thickness as a share of its width.
_FLATNESS = 0.3


def from_points(
    points: Float[np.ndarray, "n 3"],
    colors: Float[np.ndarray, "n 3"],
    scales: Float[np.ndarray, "n 3"],
    *,
    capacity: int,
    opacity: float = 0.1,
    quats: Float[np.ndarray, "n 4"] | None = None,
    sh_degree: int = 0,
) -> Gaussians:
    """Returns Gaussians at points, the remaining rows of `capacity` not live.

    Args:
        points: centres.
        colors: RGB.
        scales: standard deviations along each axis, scene units.
        capacity: rows of the record, at least `n`.
        opacity: first opacity of every Gaussian; Kerbl's is .1.
        quats: rotations wxyz, identity when None.
        sh_degree: degree of view-dependent colour, 0 to 3; its coefficients start at 0.
    """
    n = len(points)
    if quats is None:
        quats = np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1))
    logit = float(np.log(opacity / (1 - opacity)))
    rest = (sh_degree + 1) ** 2 - 1

    def rows(values: np.ndarray, fill: float = 0.0) -> jnp.ndarray:
        padded = np.full((capacity, *values.shape[1:]), fill, np.float32)
        padded[:n] = values
        return jnp.asarray(padded)

    return Gaussians(
        means=rows(points),
        log_scales=rows(np.log(scales)),
        quats=rows(quats, 0.5),
        opacity_logits=rows(np.full(n, logit)),
        colors=rows(colors),
        live=jnp.arange(capacity) < n,
        sh_rest=jnp.zeros((capacity, rest, 3), jnp.float32) if rest else None,
    )


def random_points(
    rng: np.random.Generator,
    count: int,
    center: Float[np.ndarray, "3"],
    radius: float,
) -> Float[np.ndarray, "n 3"]:
    """Returns points uniform in the cube of half side `radius` about `center`."""
    return rng.uniform(center - radius, center + radius, (count, 3)).astype(np.float32)


def neighbour_distance(points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Returns each point's root-mean-square distance to its three nearest neighbours.

    Kerbl et al. take it as the first scale of an isotropic Gaussian. Fewer neighbours
    are taken where there are fewer; a single point gets the least distance, 1e-7.
    """
    # Slow to import, and most scenes start from the hull.
    from scipy import spatial

    neighbours = min(3, len(points) - 1)
    if neighbours < 1:
        return np.full(len(points), 1e-7, np.float32)
    # The first is the point itself, or one in the same place.
    distances, _ = spatial.KDTree(points).query(points, k=neighbours + 1)
    nearest = distances[:, 1:].astype(np.float32)
    return np.sqrt(np.maximum((nearest**2).mean(axis=1), 1e-14))


def _rotation_to(normals: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 4"]:
    """Returns quaternions wxyz that turn the z axis to each normal."""
    # Half-way construction: (1 + z.n, z x n), not normalised.
    quats = np.stack(
        [1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(len(normals))],
        axis=1,
    )
    opposite = quats[:, 0] < 1e-4
    quats[opposite] = [0, 1, 0, 0]
    return (quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32)


def facing_colors(
    surface: SurfacePoints, images: Float[np.ndarray, "v h w 3"], cameras: Camera
) -> Float[np.ndarray, "n 3"]:
    """Returns each surface point's mean colour over the views that it faces.

    Hidden points get the colour of what hides them; fitting mends that.
    """
    height, width = images.shape[1:3]
    total = np.zeros((len(surface.points), 4), np.float32)
    for view, image in enumerate(images):
        pixels, local = project_points(surface.points, cameras, view)
        toward = -local / np.linalg.norm(local, axis=1, keepdims=True)
        rotation = np.asarray(cameras.camera_from_world[view])[:3, :3]
        facing = np.sum((surface.normals @ rotation.T) * toward, axis=1)
        seen, rows, columns = in_image(pixels, local[:, 2], width, height)
        weight = np.maximum(facing[seen], 0.0)[:, None] ** 4
        total[seen, :3] += weight * image[rows, columns]
        total[seen, 3:] += weight
    return total[:, :3] / np.maximum(total[:, 3:], 1e-6)


def from_surface(
    surface: SurfacePoints,
    colors: Float[np.ndarray, "n 3"],
    rng: np.random.Generator,
    count: int,
    *,
    capacity: int,
    opacity: float,
    sh_degree: int = 0,
) -> Gaussians:
    """Returns at most `count` flat Gaussians that lie in the surface.

    Args:
        surface: its points, with normals.
        colors: RGB of every point.
        rng: chooses among the points.
        count: number of Gaussians.
        capacity: rows of the record.
        opacity: first opacity.
        sh_degree: degree of view-dependent colour.
    """
    total = len(surface.points)
    chosen = rng.permutation(total)[:count]
    # Each Gaussian's share of the surface's area sets its width.
    width = surface.spacing * np.sqrt(total / len(chosen)) * 0.6
    scales = np.full((len(chosen), 3), width, np.float32)
    scales[:, 2] *= _FLATNESS
    return from_points(
        surface.points[chosen],
        colors[chosen],
        scales,
        capacity=capacity,
        opacity=opacity,
        quats=_rotation_to(surface.normals[chosen]),
        sh_degree=sh_degree,
    )
