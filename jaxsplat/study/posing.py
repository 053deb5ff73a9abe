"""Photographs whose poses are known, and the ways to find these."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat import data, methods, pose
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import GOOD, View
from jaxsplat.errors import DataError
from jaxsplat.methods.twin import Twin, render_twin
from jaxsplat.study import degradations

STARTS = 4


@dataclasses.dataclass(frozen=True)
class Posed:
    """Photographs and where they were taken."""

    photos: Float[np.ndarray, "b h w 3"]
    poses: Float[np.ndarray, "b 4 4"]
    good: np.ndarray  # whether the object is without defect, [b]
    camera: Camera

    def taken(self, indices: Sequence[int] | np.ndarray) -> "Posed":
        """Returns some of the photographs, which may come more than once."""
        chosen = np.asarray(indices)
        return Posed(
            self.photos[chosen], self.poses[chosen], self.good[chosen], self.camera
        )


def of_views(path: pathlib.Path, views: Sequence[View], twin: Twin) -> Posed:
    """Returns the photographs with the poses in the views, or in the object's folder.

    Raises:
        DataError: neither tells every pose.
    """
    known = {v.name: np.asarray(v.camera.camera_from_world) for v in views if v.camera}
    true = known or data.read_test_poses(path)
    if true is None or not {view.name for view in views} <= set(true):
        raise DataError(f"{path}: found no true test poses, which errors need")
    behind = np.asarray(twin.background)
    return Posed(
        np.stack([methods.photograph(view, behind) for view in views]),
        np.stack([true[view.name] for view in views]),
        np.array([view.defect_type == GOOD for view in views]),
        twin.camera,
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
        camera = cameras.with_pose(plain.camera, jnp.asarray(matrix))
        changed, after = degradations.disturb(photo, camera, change, background, rng)
        photos.append(changed)
        poses.append(np.asarray(after.camera_from_world))
    camera = degradations.zoomed(plain.camera, change)
    return Posed(np.stack(photos), np.stack(poses), plain.good, camera)


def coarse(
    twin: Twin, posed: Posed, find: Callable[..., tuple] = pose.find_starts
) -> jax.Array:
    """Returns the starts of each photograph that a function finds, [b, k, 4, 4]."""
    found, _ = find(twin.gallery, posed.camera, jnp.asarray(posed.photos), STARTS)
    return jax.block_until_ready(found)


def refined(
    twin: Twin, posed: Posed, starts: jax.Array, capacity: int | None = None
) -> jax.Array:
    """Returns the poses that `lm` finds, [b, 4, 4]."""
    found = pose.refine_lm(
        twin.gaussians,
        posed.camera,
        jnp.asarray(posed.photos),
        starts,
        center=twin.center,
        background=twin.background,
        sampling_rate=twin.sampling_rate,
        backend=twin.backend,
        capacity=twin.capacity if capacity is None else capacity,
    )
    return jax.block_until_ready(found.camera_from_world)


def refined_by_adam(
    twin: Twin, posed: Posed, starts: jax.Array, steps: int, seed: int
) -> jax.Array:
    """Returns the poses that `adam_screw` finds, [b, 4, 4]."""
    found = pose.refine_adam_screw(
        twin.gaussians,
        posed.camera,
        jnp.asarray(posed.photos),
        starts,
        key=jax.random.key(seed),
        center=twin.center,
        background=twin.background,
        config=pose.AdamScrewConfig(steps=steps),
        backend=twin.backend,
        capacity=twin.capacity,
    )
    return jax.block_until_ready(found.camera_from_world)


def twins(twin: Twin, posed: Posed) -> jax.Array:
    """Returns the good object as each photograph should show it: the whole query."""
    found = refined(twin, posed, coarse(twin, posed))
    return jax.block_until_ready(render_twin(twin, found))


def timed(work: Callable[[], jax.Array]) -> tuple[jax.Array, float]:
    """Returns the result and the seconds of work that is compiled already."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin
