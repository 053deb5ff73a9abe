"""A small object of known Gaussians, photographed from all sides."""

import dataclasses
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering import api as render
from jaxsplat.rendering.exposure import neutral
from jaxsplat.rendering.twin import Twin, make_twin
from jaxsplat.scene.gaussians import Gaussians

SIDE = 32
DISTANCE = 4.0
WHITE = (1.0, 1.0, 1.0)


def cloud(n: int = 20) -> Gaussians:
    """Returns opaque Gaussians of strong colours in a ball of radius 0.7."""
    rng = np.random.default_rng(7)
    directions = rng.normal(size=(n, 3))
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    arrays = (
        0.7 * directions * rng.uniform(0.3, 1, (n, 1)),
        rng.uniform(-2.0, -1.5, (n, 3)),
        rng.normal(size=(n, 4)),
        np.full(n, 3.0),
        rng.uniform(0, 0.8, (n, 3)),
    )
    return Gaussians(
        *(jnp.asarray(array, jnp.float32) for array in arrays), jnp.ones(n, bool)
    )


def cameras_around(count: int) -> list[Camera]:
    """Returns cameras on a sphere that look at the origin."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    angle = np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - z * z)
    eyes = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    focal, middle = jnp.float32(60.0), jnp.float32(SIDE / 2)
    up = np.array([0.0, 0.0, 1.0])
    return [
        Camera(
            jnp.asarray(cameras.look_at(DISTANCE * eye, np.zeros(3), up)),
            *(focal, focal, middle, middle),
            width=SIDE,
            height=SIDE,
        )
        for eye in eyes
    ]


def views(count: int = 6, *, alpha: bool = True) -> tuple[View, ...]:
    """Returns photographs: premultiplied with alpha, or on white without."""
    found = []
    for index, camera in enumerate(cameras_around(count)):
        background = jnp.zeros(3) if alpha else jnp.ones(3)
        drawn = render.render(
            cloud(), camera, background=background, backend="xla", capacity=4096
        )
        found.append(
            View(
                name=f"train/{index}.png",
                image=np.clip(np.asarray(drawn.color), 0, 1),
                alpha=np.clip(np.asarray(drawn.alpha), 0, 1) if alpha else None,
                camera=camera,
            )
        )
    return tuple(found)


def twin(views: Sequence[View]) -> Twin:
    """Returns the object as one that was fitted to the views."""
    return make_twin(
        cloud(), posed_cameras(views), center=np.zeros(3), background=WHITE
    )


def without_pose(view: View) -> View:
    """Returns the photograph from an unknown place."""
    return dataclasses.replace(view, camera=None)


def estimate_at(view: View, count: int) -> PoseEstimate:
    """Returns a view's pose, as if found so many times."""
    assert view.camera is not None
    return PoseEstimate(
        camera_from_world=jnp.tile(view.camera.camera_from_world, (count, 1, 1)),
        loss=jnp.zeros(count),
        steps=jnp.zeros(count, jnp.int32),
        outcome=jnp.zeros(count, jnp.int32),
        covariance=jnp.zeros((count, 6, 6)),
        exposure=neutral(jnp.ones(3)),
        needed=jnp.zeros(count, jnp.int32),
    )
