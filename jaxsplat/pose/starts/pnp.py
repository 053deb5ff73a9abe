"""A pose from points of the object and where a photograph shows them.

Perspective-n-point by RANSAC (Fischler and Bolles 1981): few pairs tell a pose, and the
pose that most other pairs agree with is refined on all of them. A sample is solved by
Gauss-Newton from a pose nearby, which every view of a gallery is, so that samples of
four pairs have one solution and all are one program.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from jaxsplat.core import se3
from jaxsplat.core.cameras import Camera, with_pose
from jaxsplat.pose import descent
from jaxsplat.pose.robust import geman_mcclure
from jaxsplat.rendering import motion
from jaxsplat.rendering.normal_form import NormalEquations

_SAMPLES = 64  # with half the pairs wrong, 1 of 16 is right: none in 64 by 1.6 %
_IN_SAMPLE = 4
_STEPS = 10
# Residual, as a tangent, up to which a pair agrees: four pixels of 400 at the lenses of
# 45 degrees.
_AGREES = 0.01
_NEAREST = 1e-3  # scene units before the camera, within which nothing is seen


class Solution(NamedTuple):
    """What the pairs say.

    Attributes:
        camera_from_world: the pose; the start where fewer than four pairs agree.
        agreeing: number of pairs that agree with it.
    """

    camera_from_world: Float[Array, "4 4"]
    agreeing: Int[Array, ""]


def solve(
    points: Float[Array, "n 3"],
    places: Float[Array, "n 2"],
    weights: Float[Array, " n"],
    start: Float[Array, "4 4"],
    center: Float[Array, "3"],
    key: PRNGKeyArray,
) -> Solution:
    """Returns the pose that most pairs agree with.

    Args:
        points: of the object in the world, [n, 3].
        places: where the photograph shows them, as tangents of the angles to the
            optical axis, x and y, [n, 2].
        weights: how sure each pair is; 0 where there is none, [n].
        start: `camera_from_world` near the pose, [4, 4].
        center: world point that rotations turn about, [3].
        key: of the samples.
    """
    one = jnp.float32(1)
    camera = Camera(start, one, one, 0 * one, 0 * one, 1, 1)

    def fitted(weights: Array, start: Array, scale: float | None) -> Array:
        def equations(pose: Array) -> NormalEquations:
            return _equations(
                with_pose(camera, pose), center, points, places, weights, scale
            )

        return descent.descend(equations, camera, center, start, _STEPS).pose

    def sampled(key: PRNGKeyArray) -> tuple[Array, Array]:
        # The largest of logarithms with Gumbel's noise are a draw without replacement.
        noise = jax.random.gumbel(key, weights.shape, jnp.float32)
        _, chosen = jax.lax.top_k(jnp.log(weights) + noise, _IN_SAMPLE)
        taken = jnp.zeros_like(weights).at[chosen].set(1.0)
        pose = fitted(jnp.where(weights > 0, taken, 0.0), start, None)
        return pose, jnp.sum(_agree(pose, points, places, weights))

    if len(weights) < _IN_SAMPLE:
        return Solution(start, jnp.int32(0))
    poses, counts = jax.vmap(sampled)(jax.random.split(key, _SAMPLES))
    pose = fitted(weights, poses[jnp.argmax(counts)], _AGREES)
    count = jnp.sum(_agree(pose, points, places, weights), dtype=jnp.int32)
    return Solution(jnp.where(count >= _IN_SAMPLE, pose, start), count)


def _shown(
    camera_from_world: Float[Array, "4 4"], points: Float[Array, "n 3"]
) -> tuple[Float[Array, "n 2"], Bool[Array, " n"]]:
    """Returns where points are seen, as tangents, and whether they are in front."""
    rotation, shift = camera_from_world[:3, :3], camera_from_world[:3, 3]
    seen = se3.matmul(points, rotation.T) + shift
    is_before = seen[:, 2] > _NEAREST
    return seen[:, :2] / jnp.where(is_before, seen[:, 2], 1.0)[:, None], is_before


def _agree(
    pose: Float[Array, "4 4"],
    points: Float[Array, "n 3"],
    places: Float[Array, "n 2"],
    weights: Float[Array, " n"],
) -> Bool[Array, " n"]:
    seen, is_before = _shown(pose, points)
    off = jnp.sum((seen - places) ** 2, axis=1)
    return (weights > 0) & is_before & (off <= _AGREES**2)


def _equations(
    camera: Camera,
    center: Float[Array, "3"],
    points: Float[Array, "n 3"],
    places: Float[Array, "n 2"],
    weights: Float[Array, " n"],
    scale: float | None,
) -> NormalEquations:
    """Returns Gauss-Newton's model of the pairs' residuals.

    Args:
        camera: at the pose.
        center: as in `solve`.
        points: likewise.
        places: likewise.
        weights: of the pairs.
        scale: residual at which a pair's influence begins to fall; never when None.
    """

    def residuals(twist: Array) -> Array:
        moved = motion.moved(camera, twist, center)
        seen, is_before = _shown(moved.camera_from_world, points)
        return jnp.where(is_before[:, None], seen - places, 1.0)

    still = jnp.zeros(motion.POSE, jnp.float32)
    off, slopes = residuals(still), jax.jacfwd(residuals)(still)
    squared = jnp.sum(off * off, axis=1)
    losses, influence = squared, jnp.ones_like(squared)
    if scale is not None:
        losses, influence = geman_mcclure(squared, scale)
    weighed = slopes * (weights * influence)[:, None, None]
    rows, columns = slopes.reshape(-1, motion.POSE), weighed.reshape(-1, motion.POSE).T
    return NormalEquations(
        se3.matmul(columns, rows),
        se3.matmul(columns, off.reshape(-1)),
        jnp.sum(weights * losses) / 2,
        jnp.int32(0),
    )
