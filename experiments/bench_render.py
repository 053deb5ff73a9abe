"""How fast the renderer's stages are here, beside the limit of their own arithmetic.

`python -m experiments.bench_render` times projection, binning, compositing and its
reverse pass on a seeded scene like a fitted object: an opaque shell of small Gaussians
that takes about 90,000 (tile, Gaussian) pairs at 400x400.

The arithmetic limit is the time of the same alpha blending (`blending.alpha`,
`blending.advance`, five channels) on blocks of the same shape, as many evaluations as
the lists have pairs times pixels, with all operands resident in cache: a small table of
splats, of which each round takes other rows, so that nothing can be moved out of the
loop; no gathering, no lists, no image to write. It counts pairs in the lists, so the
padding of uneven lists counts against the compositor and stopping early counts for it.
"""

import dataclasses
import functools
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from experiments import flags
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.render import (
    api,
    binning,
    blending,
    constants,
    lockstep,
    projection,
    records,
    xla,
)
from jaxsplat.report import files
from jaxsplat.report.versions import versions
from jaxsplat.scene.gaussians import Gaussians

_TABLE = 64  # rounds until the limit's table repeats


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    size: int = flags.option(400, "image side in pixels", lower=16)
    gaussians: int = flags.option(6200, "Gaussians of the scene", lower=1)
    repeats: int = flags.option(15, "rounds, of which the fastest counts", lower=1)
    out: str = flags.option("runs/bench_render.json", "where the numbers go")
    gate: bool = flags.option(False, "exit with 1 when a bar is missed")


def shell(count: int, seed: int = 0) -> Gaussians:
    """Returns flat, mostly opaque Gaussians on a sphere of radius 1."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spacing = np.sqrt(4 * np.pi / count)
    scales = np.log(0.6 * spacing) + 0.4 * rng.normal(size=(count, 3))
    values = (
        directions * rng.uniform(0.9, 1.0, (count, 1)),
        scales,
        rng.normal(size=(count, 4)),
        1 + 1.5 * rng.normal(size=count),
        rng.uniform(size=(count, 3)),
    )
    means, log_scales, quats, logits, colors = (
        jnp.asarray(value, jnp.float32) for value in values
    )
    live = jnp.ones(count, bool)
    return Gaussians(means, log_scales, quats, logits, colors, live)


def viewpoint(size: int) -> Camera:
    """Returns a camera 4 from the scene, with the field of view of the data sets."""
    pose = cameras.look_at(np.array([0.0, -4, 1]), np.zeros(3), np.array([0.0, 0, 1]))
    focal, middle = jnp.float32(1.39 * size), jnp.float32(size / 2)
    return Camera(
        jnp.asarray(pose, jnp.float32), focal, focal, middle, middle, size, size
    )


@functools.partial(jax.jit, static_argnames="rounds")
def blend_resident(table: Array, rounds: int) -> Array:
    """Returns what compositing would, of blocks whose operands stay in cache.

    Args:
        table: records [_TABLE, 10, UNROLL, LOCKSTEP, 1].
        rounds: blocks of UNROLL splats to blend.
    """
    inside = np.indices((constants.TILE, constants.TILE)).reshape(2, lockstep.PIXELS)
    xs, ys = (jnp.asarray(axis + 0.5, jnp.float32) for axis in inside)

    def body(index: Array, state: tuple) -> tuple:
        transmittance, image = state
        block = lax.dynamic_index_in_dim(table, index % _TABLE, keepdims=False)
        u, v, *shape = block[:6]
        alphas = blending.alpha(u - xs, v - ys, *shape)
        channels = list(image)
        for k in range(lockstep.UNROLL):
            weight, transmittance = blending.advance(transmittance, alphas[k])
            for channel in range(4):
                channels[channel] += weight * block[6 + channel, k]
            channels[-1] += weight
        return transmittance, tuple(channels)

    one = jnp.ones((lockstep.LOCKSTEP, lockstep.PIXELS))
    state = (one, (jnp.zeros_like(one),) * records.CHANNELS)
    return jnp.stack(lax.fori_loop(0, rounds, body, state)[1])


def resident_table(seed: int = 0) -> Array:
    """Returns faint splats near a tile, so that no pixel ever stops."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(size=(_TABLE, 10, lockstep.UNROLL, lockstep.LOCKSTEP, 1))
    table[:, :2] = 12 * table[:, :2] - 2
    table[:, 2:5] = [[[[[0.15]]], [[[0.02]]], [[[0.15]]]]]
    table[:, 5] = np.log(0.01)
    return jnp.asarray(table, jnp.float32)


def fastest(
    functions: dict[str, Callable[[], object]], repeats: int
) -> dict[str, float]:
    """Returns milliseconds of each, the least of interleaved rounds after a warm-up."""
    best = dict.fromkeys(functions, float("inf"))
    for round_number in range(repeats + 1):
        for name, function in functions.items():
            begin = time.perf_counter()
            jax.block_until_ready(function())
            if round_number:
                best[name] = min(best[name], 1e3 * (time.perf_counter() - begin))
    return best


def measure(config: Config) -> dict[str, object]:
    """Returns the numbers: scene, milliseconds of each stage, ratios and bars."""
    cloud, camera = shell(config.gaussians), viewpoint(config.size)
    size, capacity = config.size, api.plan(cloud, camera, slack=1.05)
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
    table = resident_table()
    milliseconds = fastest(
        {
            "project": lambda: project(cloud, camera),
            "bin": lambda: sort(splats),
            "composite": lambda: blend(splats, lists),
            "composite_and_reverse": lambda: reverse(splats, lists),
            "arithmetic_limit": lambda: blend_resident(table, rounds),
        },
        config.repeats,
    )
    share = milliseconds["arithmetic_limit"] / milliseconds["composite"]
    sorting = milliseconds["bin"] / milliseconds["composite"]
    return {
        "scene": {
            "size": size,
            "gaussians": config.gaussians,
            "pairs": pairs,
            "needed": int(lists.needed),
            "capacity": capacity,
            "tile": constants.TILE,
        },
        "milliseconds": milliseconds,
        "ratios": {
            "limit_over_composite": share,
            "bin_over_composite": sorting,
            "reverse_over_composite": milliseconds["composite_and_reverse"]
            / milliseconds["composite"]
            - 1,
        },
        "bars": {
            "limit_over_composite_at_least_half": share >= 0.5,
            "bin_over_composite_at_most_one": sorting <= 1,
        },
        "device": jax.devices()[0].device_kind,
        "cpu_count": os.cpu_count(),
        "versions": versions(),
    }


def main(config: Config) -> int:
    """Prints the numbers and writes them as JSON; see the module."""
    result = measure(config)
    for part in ("scene", "milliseconds", "ratios", "bars"):
        print(f"{part}: {json.dumps(result[part], indent=2)}")
    files.write_json(pathlib.Path(config.out), result)
    bars = result["bars"]
    assert isinstance(bars, dict)
    missed = [name for name, reached in bars.items() if not reached]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if config.gate and missed else 0


if __name__ == "__main__":
    flags.run(main, Config)
