"""The stages of one image on the portable backend, beside the arithmetic limit."""

import jax
import jax.numpy as jnp

from experiments.bench import clocks, limit, scenes
from jaxsplat.rendering import (
    Photograph,
    api,
    binning,
    constants,
    lockstep,
    normal_equations,
    projection,
    xla,
)


def measure(size: int, gaussians: int, repeats: int) -> dict[str, dict]:
    """Returns scene, milliseconds of each stage, ratios and bars.

    Args:
        size: image side in pixels.
        gaussians: of the scene.
        repeats: rounds, of which the fastest counts.
    """
    cloud, camera = scenes.shell(gaussians), scenes.viewpoint(size)
    capacity = api.plan(cloud, camera, slack=1.05)
    project = jax.jit(projection.project)
    sort = jax.jit(lambda splats: binning.bin_splats(splats, size, size, capacity))
    blend = jax.jit(lambda splats, lists: xla.composite(splats, lists, size, size))

    @jax.jit
    def reverse(splats: projection.Splats, lists: binning.TileLists) -> object:
        image, pull = jax.vjp(lambda s: xla.composite(s, lists, size, size), splats)
        return pull(image)

    splats = project(cloud, camera)
    lists = sort(splats)
    pairs = int(jnp.sum(lists.ends - lists.starts))
    rounds = max(pairs // (lockstep.LOCKSTEP * lockstep.UNROLL), 1)
    table = limit.resident_table()
    grey = jnp.full((size, size, 3), 0.5)
    seen = Photograph(grey, grey[..., 0], jnp.ones(3), jnp.zeros(3), jnp.float32(0.2))
    milliseconds = clocks.fastest(
        {
            "project": lambda: project(cloud, camera),
            "bin": lambda: sort(splats),
            "composite": lambda: blend(splats, lists),
            "composite_and_reverse": lambda: reverse(splats, lists),
            "arithmetic_limit": lambda: limit.blend_resident(table, rounds),
            "render": lambda: api.render(
                cloud, camera, backend="xla", capacity=capacity
            ),
            "normal_equations": lambda: normal_equations(
                cloud, camera, seen, backend="xla", capacity=capacity
            ),
        },
        repeats,
    )
    composite = milliseconds["composite"]
    ratios = {
        "composite_over_limit": composite / milliseconds["arithmetic_limit"],
        "bin_over_composite": milliseconds["bin"] / composite,
        "reverse_over_composite": milliseconds["composite_and_reverse"] / composite - 1,
        "normal_equations_over_render": milliseconds["normal_equations"]
        / milliseconds["render"],
    }
    return {
        "scene": {
            "size": size,
            "gaussians": gaussians,
            "pairs": pairs,
            "needed": int(lists.needed),
            "capacity": capacity,
            "tile": constants.TILE,
        },
        "milliseconds": milliseconds,
        "ratios": ratios,
        "bars": {
            "composite_over_limit_at_most_2": ratios["composite_over_limit"] <= 2,
            "bin_over_composite_at_most_1": ratios["bin_over_composite"] <= 1,
            "normal_equations_over_render_at_most_5": ratios[
                "normal_equations_over_render"
            ]
            <= 5,
        },
    }
