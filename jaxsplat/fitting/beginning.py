"""Where a fit begins: the first cloud, and the size of the scene."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.fitting.config import FitConfig
from jaxsplat.scene import hull, starts
from jaxsplat.scene.gaussians import Gaussians


def start(
    views: Sequence[View],
    silhouettes: Bool[np.ndarray, "v h w"] | None,
    config: FitConfig,
    rng: np.random.Generator,
) -> Gaussians:
    """Returns the cloud that a fit begins with.

    "hull" needs silhouettes; without, points are random, in the cube [-1.3, 1.3]^3
    scaled to the cameras' distance (Kerbl's for NeRF-synthetic, whose cameras stand 4
    from the origin).

    Args:
        views: `v` posed views of one size.
        silhouettes: of the views, or None where they cannot be told.
        config: settings.
        rng: what is random is drawn from it.

    Raises:
        DataError: a view has no pose, sizes differ, or silhouettes contradict poses.
    """
    cameras = posed_cameras(views)
    if config.start == "hull" and silhouettes is not None:
        surface = hull.visual_hull(silhouettes, cameras)
        images = np.stack([view.image for view in views])
        return starts.from_surface(
            surface,
            starts.facing_colors(surface, images, cameras),
            rng,
            config.count,
            capacity=config.capacity,
            opacity=config.start_opacity,
            sh_degree=config.sh_degree,
        )
    center = hull.view_center(cameras)
    points = starts.random_points(
        rng, config.count, center, 1.3 / 4 * camera_distance(cameras, center)
    )
    scales = starts.neighbour_distance(points)
    return starts.from_points(
        points,
        rng.uniform(size=points.shape).astype(np.float32),
        np.repeat(scales[:, None], 3, axis=1),
        capacity=config.capacity,
        opacity=config.start_opacity,
        sh_degree=config.sh_degree,
    )


def camera_distance(cameras: Camera, center: np.ndarray) -> float:
    """Returns the median distance of the cameras from a point, in scene units."""
    pose = np.asarray(cameras.camera_from_world)
    local = pose[:, :3, :3] @ np.asarray(center, np.float32) + pose[:, :3, 3]
    return float(np.median(np.linalg.norm(local, axis=1)))


def camera_extent(cameras: Camera) -> float:
    """Returns 1.1 times the radius of the camera positions about their mean.

    Kerbl's scene extent, which scales learning rates and density thresholds.
    """
    pose = np.asarray(cameras.camera_from_world)
    eyes = -np.einsum("vji,vj->vi", pose[:, :3, :3], pose[:, :3, 3])
    return float(1.1 * np.linalg.norm(eyes - eyes.mean(axis=0), axis=1).max())
