"""Seconds a photograph takes in each stage, warm, and what an object takes before."""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.data.views import View
from jaxsplat.methods import Detector, Inspection
from jaxsplat.rendering.twin import Twin, look


def measure(
    detector: Detector, views: Sequence[View], batch: int, repeats: int
) -> dict[str, Any]:
    """Returns seconds, without compilation.

    Args:
        detector: of the object.
        views: the photographs, which are inspected once before the clock runs.
        batch: how many of them run together.
        repeats: rounds, of which the median counts.

    Returns:
        `training` (the fit), `preparation` (gallery, expectation and the like) and
        `compilation` of the object; of a photograph `coarse`, `refine`, `rendering`
        (the twin at the found pose, alone), `detection` (all that follows the pose,
        less the rendering), `total` (their sum) and `wall` (what `inspect` takes,
        with what happens on the host).
    """
    fitted = detector.fitted
    assert fitted is not None
    usual = detector.method
    detector.method = dataclasses.replace(usual, batch=batch)
    try:
        found = detector.inspect(views)
        rounds = [_round(detector, views) for _ in range(repeats)]
    finally:
        detector.method = usual
    stages = {
        name: statistics.median(one[name] for one in rounds) for name in rounds[0]
    }
    rendering = _rendering(detector, found, batch, repeats)
    after = max(stages["features"] - rendering, 0.0)
    return {
        "training": fitted.seconds,
        "preparation": fitted.prepare_seconds,
        "compilation": fitted.compile_seconds,
        "coarse": stages["coarse"],
        "refine": stages["refine"],
        "rendering": rendering,
        "detection": after,
        "total": stages["coarse"] + stages["refine"] + stages["features"],
        "wall": stages["wall"],
        "photographs": len(views),
    }


def _round(detector: Detector, views: Sequence[View]) -> dict[str, float]:
    """Returns mean seconds a photograph by stage, and by the clock."""
    begin = time.monotonic()
    found = detector.inspect(views)
    wall = (time.monotonic() - begin) / len(views)
    known = [one.stage_seconds for one in found if one.stage_seconds]
    stages = {
        name: float(np.mean([seconds[name] for seconds in known])) for name in known[0]
    }
    return {**stages, "wall": wall}


def _rendering(
    detector: Detector, found: Sequence[Inspection], batch: int, repeats: int
) -> float:
    """Returns seconds that rendering the twin at a found pose takes."""
    poses = [
        detector.world.camera_to_inside(one.camera_from_world)
        for one in found
        if np.isfinite(one.camera_from_world).all()
    ]
    chosen = jnp.asarray((poses * batch)[:batch], jnp.float32)
    twin = detector.twin

    @jax.jit
    def draw(twin: Twin, poses: jax.Array) -> jax.Array:
        def one(pose: jax.Array) -> jax.Array:
            return look(twin, cameras.with_pose(twin.camera, pose)).color

        return jax.lax.map(one, poses)

    jax.block_until_ready(draw(twin, chosen))
    spent = []
    for _ in range(repeats):
        begin = time.monotonic()
        jax.block_until_ready(draw(twin, chosen))
        spent.append((time.monotonic() - begin) / batch)
    return statistics.median(spent)
