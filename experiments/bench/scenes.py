"""Seeded scenes and cameras for benchmarks of the renderer."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.scene.gaussians import Gaussians

_CLUSTERS = 64
_DISTANCE = 4.0  # of the cameras from the scene's middle


def shell(count: int, seed: int = 0) -> Gaussians:
    """Returns flat, mostly opaque Gaussians on a sphere of radius 1."""
    rng = np.random.default_rng(seed)
    directions = _directions(rng, count)
    spacing = np.sqrt(4 * np.pi / count)
    scales = np.log(0.6 * spacing) + 0.4 * rng.normal(size=(count, 3))
    means = directions * rng.uniform(0.9, 1.0, (count, 1))
    return _cloud(rng, means, scales, 1 + 1.5 * rng.normal(size=count))


def clusters(count: int, seed: int = 0) -> Gaussians:
    """Returns small Gaussians in 64 clusters within a sphere of radius 1.

    The scene that renderers of the field are compared on: splax has such a benchmark.
    """
    rng = np.random.default_rng(seed)
    middles = 0.8 * _directions(rng, _CLUSTERS) * rng.uniform(0, 1, (_CLUSTERS, 1))
    means = middles[rng.integers(0, _CLUSTERS, count)]
    means = means + 0.08 * rng.normal(size=(count, 3))
    scales = np.log(0.01) + 0.4 * rng.normal(size=(count, 3))
    return _cloud(rng, means, scales, rng.normal(size=count))


def _directions(rng: np.random.Generator, count: int) -> np.ndarray:
    directions = rng.normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _cloud(
    rng: np.random.Generator,
    means: Float[np.ndarray, "n 3"],
    log_scales: Float[np.ndarray, "n 3"],
    logits: Float[np.ndarray, " n"],
) -> Gaussians:
    n = len(means)
    values = (
        means,
        log_scales,
        rng.normal(size=(n, 4)),
        logits,
        rng.uniform(size=(n, 3)),
    )
    first, sizes, quats, opacities, colors = (
        jnp.asarray(value, jnp.float32) for value in values
    )
    return Gaussians(first, sizes, quats, opacities, colors, jnp.ones(n, bool))


def viewpoint(size: int) -> Camera:
    """Returns a camera 4 from the scene, with the field of view of the data sets."""
    return _looking_from(np.array([0.0, -_DISTANCE, 1.0]), size)


def orbit(count: int, size: int, seed: int = 0) -> Camera:
    """Returns a stack of cameras around the scene, at random."""
    directions = _directions(np.random.default_rng(seed), count)
    return cameras.stack([_looking_from(_DISTANCE * d, size) for d in directions])


def _looking_from(eye: Float[np.ndarray, "3"], size: int) -> Camera:
    pose = cameras.look_at(eye, np.zeros(3), np.array([0.0, 0.0, 1.0]))
    focal, middle = jnp.float32(1.39 * size), jnp.float32(size / 2)
    return Camera(
        jnp.asarray(pose, jnp.float32), focal, focal, middle, middle, size, size
    )
