"""Photographs whose poses are known, and the ways to find these."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import data
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import GOOD, View, over_background
from jaxsplat.data.world import World
from jaxsplat.errors import DataError
from jaxsplat.pose import (
    Gallery,
    GalleryStarts,
    Lm,
    Photographs,
    PoseEstimate,
    Refine,
    Starts,
    expected_photographs,
    on_plain,
)
from jaxsplat.rendering.twin import Twin
from jaxsplat.study import degradations

FINDER = GalleryStarts(k=4)
SOLVER = Lm()


@dataclasses.dataclass(frozen=True)
class Posed:
    """Photographs and where they were taken.

    Attributes:
        photos: RGB in [0, 1], [b, h, w, 3].
        poses: their true `camera_from_world`, inside, [b, 4, 4].
        good: whether the object is without defect, [b].
        camera: of all photographs; its pose is not looked at.
        world: that poses are inside of.
    """

    photos: Float[np.ndarray, "b h w 3"]
    poses: Float[np.ndarray, "b 4 4"]
    good: np.ndarray
    camera: Camera
    world: World = World()

    def taken(self, indices: Sequence[int] | np.ndarray) -> "Posed":
        """Returns some of the photographs, which may come more than once."""
        chosen = np.asarray(indices)
        return dataclasses.replace(
            self,
            photos=self.photos[chosen],
            poses=self.poses[chosen],
            good=self.good[chosen],
        )


def of_views(
    path: pathlib.Path, views: Sequence[View], twin: Twin, world: World
) -> Posed:
    """Returns the photographs with the poses in the views, or in the object's folder.

    Args:
        path: the object's folder.
        views: the photographs.
        twin: the fitted object.
        world: of the object.

    Raises:
        DataError: neither tells every pose.
    """
    true = {v.name: np.asarray(v.camera.camera_from_world) for v in views if v.camera}
    if not true:
        read = data.read_test_poses(path) or {}
        true = {name: world.camera_to_inside(pose) for name, pose in read.items()}
    if not {view.name for view in views} <= set(true):
        raise DataError(f"{path}: found no true test poses, which errors need")
    behind = np.asarray(twin.background)
    return Posed(
        np.stack([over_background(view, behind) for view in views]),
        np.stack([true[view.name] for view in views]),
        np.array([view.defect_type == GOOD for view in views]),
        twin.camera,
        world,
    )


def disturbed(
    plain: Posed,
    change: degradations.Change,
    background: Float[np.ndarray, "3"],
    seed: int,
) -> Posed:
    """Returns the photographs after a disturbance, with their new true poses."""
    rng = np.random.default_rng(seed)
    photos, poses = [], []
    for photo, matrix in zip(plain.photos, plain.poses, strict=True):
        camera = cameras.with_pose(plain.camera, jnp.asarray(matrix, jnp.float32))
        changed, after = degradations.disturb(photo, camera, change, background, rng)
        photos.append(changed)
        poses.append(np.asarray(after.camera_from_world))
    camera = degradations.zoomed(plain.camera, change)
    return dataclasses.replace(
        plain, photos=np.stack(photos), poses=np.stack(poses), camera=camera
    )


def found_starts(twin: Twin, finder: Starts, gallery: Gallery, posed: Posed) -> Array:
    """Returns the starts of each photograph that a finder finds, [b, k, 4, 4]."""
    found = finder(_seen(twin, posed), gallery, _photographs(posed))
    return jax.block_until_ready(found.camera_from_world)


def refined(
    twin: Twin, solver: Refine, state: Any, posed: Posed, starts: Array
) -> PoseEstimate:
    """Returns the poses that a solver finds."""
    photographs = _photographs(posed)
    return jax.block_until_ready(solver(_seen(twin, posed), state, photographs, starts))


def whole(twin: Twin, gallery: Gallery, posed: Posed) -> Array:
    """Returns what each photograph should show: a query but for its comparison."""
    starts = found_starts(twin, FINDER, gallery, posed)
    found = refined(twin, SOLVER, (), posed, starts)
    shown = expected_photographs(_seen(twin, posed), _photographs(posed), found)
    return jax.block_until_ready(shown.images)


def _photographs(posed: Posed) -> Photographs:
    return on_plain(jnp.asarray(posed.photos))


def _seen(twin: Twin, posed: Posed) -> Twin:
    return dataclasses.replace(twin, camera=posed.camera)


Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Returns the result and the seconds of work that is compiled already."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin
