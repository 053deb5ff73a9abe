"""What grows with what: `python -m experiments.bench.scale --detector=FOLDER`.

Measures seconds of an image and of its gradient over Gaussians and pixels; seconds of a
query over the number of photographs given at once; and memory, disk and seconds
of loading over the number of detectors in a process. Each is measured by the clock and
by the processor's own seconds, since other programs may use the machine. Writes JSON.
"""

import dataclasses
import functools
import json
import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from experiments.bench import scenes
from jaxsplat import data
from jaxsplat.commands import flags
from jaxsplat.core.cameras import Camera
from jaxsplat.data.splits import choose_queries
from jaxsplat.errors import ConfigError
from jaxsplat.fleet import cores
from jaxsplat.methods import Detector
from jaxsplat.rendering import api
from jaxsplat.rendering.backends import resolve_backend
from jaxsplat.report import files
from jaxsplat.report.versions import versions
from jaxsplat.scene.gaussians import Gaussians

_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    detector: str | None = flags.option(
        None, "folder of a detector; without one only renders are measured"
    )
    object_dir: str | None = flags.option(
        None, "folder of its object, whose test photographs are the queries"
    )
    gaussians: tuple[int, ...] = flags.option((4_000, 16_000, 64_000), "of renders")
    sizes: tuple[int, ...] = flags.option((100, 200, 400), "of images, in pixels")
    queries: tuple[int, ...] = flags.option((1, 2, 4), "photographs given at once")
    objects: int = flags.option(4, "detectors loaded into one process", lower=1)
    repeats: int = flags.option(5, "rounds, of which the least counts", lower=1)
    out: str = flags.option("runs/scale.json", "file for the results")

    def __post_init__(self) -> None:
        if (self.detector is None) != (self.object_dir is None):
            raise ConfigError("detector, object_dir: found one, expected both or none")


def main(config: Config) -> None:
    """Prints the numbers and writes them as JSON; see the module."""
    found: dict[str, Any] = {
        "device": jax.devices()[0].device_kind,
        "cores": cores.usable(),
        "load_before": os.getloadavg()[0],
        "versions": versions(),
    }
    if config.detector is not None and config.object_dir is not None:
        folder = pathlib.Path(config.detector)
        found["objects"], detector = _objects(folder, config.objects)
        test = data.load_object(config.object_dir).test
        photographs = [view.image for view in choose_queries(test, max(config.queries))]
        found["queries"] = _queries(detector, photographs, config)
    found["renders"] = _renders(config)
    found["load_after"] = os.getloadavg()[0]
    found["peak_mib"] = _peak_mib()
    files.write_json(pathlib.Path(config.out), found)
    print(json.dumps(found, indent=2))


def _renders(config: Config) -> list[dict[str, float]]:
    """Returns a row for each number of Gaussians and size of images."""
    rows = []
    for count in config.gaussians:
        scene = scenes.shell(count)
        for size in config.sizes:
            capacity = api.plan(scene, scenes.orbit(4, size))
            draw = functools.partial(_image, size=size, capacity=capacity)
            slope = functools.partial(_gradient, size=size, capacity=capacity)
            image = _spent(lambda: draw(scene), config.repeats)
            gradient = _spent(lambda: slope(scene), config.repeats)
            rows.append(
                {
                    "gaussians": count,
                    "size": size,
                    "pairs": capacity,
                    **{f"image_{name}": value for name, value in image.items()},
                    **{f"gradient_{name}": value for name, value in gradient.items()},
                }
            )
    return rows


@functools.partial(jax.jit, static_argnames=("size", "capacity"))
def _image(scene: Gaussians, size: int, capacity: int) -> Array:
    return _drawn(scene, scenes.viewpoint(size), capacity)


@functools.partial(jax.jit, static_argnames=("size", "capacity"))
def _gradient(scene: Gaussians, size: int, capacity: int) -> Array:
    def loss(means: Array) -> Array:
        moved = dataclasses.replace(scene, means=means)
        return jnp.square(_drawn(moved, scenes.viewpoint(size), capacity)).sum()

    return jax.grad(loss)(scene.means)


def _drawn(scene: Gaussians, camera: Camera, capacity: int) -> Array:
    return api.render(
        scene, camera, backend=resolve_backend(None), capacity=capacity
    ).color


def _queries(
    detector: Detector, photographs: list[np.ndarray], config: Config
) -> list[dict[str, float]]:
    """Returns a row for each number of photographs that are given at once."""
    compiled = detector.compile()
    rows = []
    for count in config.queries:
        given = (photographs * count)[:count]
        spent = _spent(functools.partial(detector.inspect, given), config.repeats)
        rows.append({"queries": count, "compile_seconds": compiled, **spent})
    return rows


def _objects(
    folder: pathlib.Path, count: int
) -> tuple[list[dict[str, float]], Detector]:
    """Returns a row for each further detector in the process, and the last one."""
    names = ("scene.ply", "detector.json", "arrays.safetensors")
    disk = sum((folder / name).stat().st_size for name in names) / _MIB
    kept, rows = [], []
    for number in range(1, count + 1):
        before, begin = _resident_mib(), time.perf_counter()
        kept.append(Detector.load(folder))
        seconds = time.perf_counter() - begin
        rows.append(
            {
                "detectors": number,
                "gaussians": len(kept[-1].twin.gaussians.means),
                "disk_mib": disk,
                "load_seconds": seconds,
                "memory_mib": _resident_mib() - before,
            }
        )
    return rows, kept[-1]


def _spent(work: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Returns the least seconds of work, by the clock and by the processor.

    The work is done once before, so that nothing is compiled while the clock runs.
    """
    jax.block_until_ready(work())
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        jax.block_until_ready(work())
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return {"seconds": min(walls), "processor_seconds": min(processors)}


def _resident_mib() -> float:
    """Returns the memory that the process has now, its peak where that is unknown."""
    path = pathlib.Path("/proc/self/statm")
    if not path.exists():
        return _peak_mib()
    return int(path.read_text().split()[1]) * resource.getpagesize() / _MIB


def _peak_mib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB


if __name__ == "__main__":
    flags.run(main, Config)
