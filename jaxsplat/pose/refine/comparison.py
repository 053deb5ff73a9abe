"""What solvers by Adam have in common: the size of the comparison, and its starts."""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.pairs import check_together, map_pairs
from jaxsplat.pose.refine import photometric
from jaxsplat.pose.refine.photometric import Scene
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.twin import Twin

# The lists must still fit when the pose has moved away from the start.
_CAPACITY_SLACK = 1.25
# Gradients of several renders side by side take 1.35 to 1.45 of the time that they take
# one after another.
_GRADIENTS_ON_CPU = 1


def check(steps: int, keep: int, side: int | None, together: int | None) -> None:
    """Raises ConfigError where settings that all of them have are wrong."""
    if steps < 0:
        raise ConfigError(f"steps: found {steps}, expected 0 or more")
    if keep < 1:
        raise ConfigError(f"keep: found {keep}, expected 1 or more")
    if side is not None and side < 1:
        raise ConfigError(f"side: found {side}, expected pixels above 0")
    check_together(together)


def small_camera(twin: Twin, side: int | None) -> Camera:
    """Returns the camera of the images that are compared.

    Args:
        twin: the object; its camera is that of the photographs.
        side: longer image side in pixels; the photographs' own when None.
    """
    return twin.camera if side is None else cameras.limited(twin.camera, side)


def plan(twin: Twin, views: Sequence[View], side: int | None) -> int:
    """Returns the capacity of the renderer's lists at the comparison's size."""
    poses = posed_cameras(views).camera_from_world
    small = cameras.at_poses(small_camera(twin, side), poses)
    return render_api.plan(twin.gaussians, small, _CAPACITY_SLACK, in_octave=2)


def refine(
    twin: Twin,
    images: Float[Array, "b h w 3"],
    solve: Callable[[Scene, Array], PoseEstimate],
    *,
    side: int | None,
    ssim_weight: float,
    capacity: int,
    planned: int,
) -> PoseEstimate:
    """Returns what a solver finds at the comparison's size, in the twin's terms.

    Args:
        twin: the object; its camera is that of the photographs.
        images: the photographs.
        solve: finds the poses from the scene and the photographs at that size.
        side: as in `small_camera`.
        ssim_weight: lambda of the loss.
        capacity: of the renderer's lists at that size where the twin's is `planned`.
        planned: see `capacity`.
    """
    camera = small_camera(twin, side)
    # As much more as the twin's own lists have become since.
    capacity = capacity * twin.capacity // planned
    scene = Scene(
        dataclasses.replace(twin, camera=camera, capacity=capacity),
        jnp.float32(twin.camera.width / camera.width),
        ssim_weight,
    )
    found = solve(scene, resampling.area_resize(images, camera.height, camera.width))
    needed = jnp.ceil(found.needed.astype(jnp.float32) * (twin.capacity / capacity))
    return dataclasses.replace(found, needed=needed.astype(jnp.int32))


def best_of(
    scene: Scene,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    refine_one: Callable[[tuple[Array, Array]], PoseEstimate],
    keep: int,
    together: int | None,
) -> PoseEstimate:
    """Returns each query's best estimate from its starts of lowest loss.

    Args:
        scene: what is rendered.
        queries: the photographs at its size.
        starts: `camera_from_world` of k starts each.
        refine_one: makes an estimate of (the query's index, start).
        keep: how many starts are refined.
        together: how many pairs are worked on side by side.
    """
    starts = _lowest(scene, queries, starts, keep, together)
    found = map_pairs(refine_one, starts, together, _GRADIENTS_ON_CPU)
    best = jnp.argmin(found.loss, axis=1)
    return jax.tree.map(lambda x: x[jnp.arange(len(best)), best], found)


def _lowest(
    scene: Scene, queries: Array, starts: Array, keep: int, together: int | None
) -> Float[Array, "b keep 4 4"]:
    """Returns each query's starts of lowest loss, by one render from each."""
    if keep >= starts.shape[1]:
        return starts

    def loss(pair: tuple[Array, Array]) -> Array:
        query, start = pair
        seen = photometric.look(scene, queries[query], start)
        return jnp.where(jnp.isfinite(seen.loss) & seen.visible, seen.loss, jnp.inf)

    losses = map_pairs(loss, starts, together)
    order = jnp.argsort(losses, axis=1, stable=True)[:, :keep]
    return jnp.take_along_axis(starts, order[:, :, None, None], axis=1)
