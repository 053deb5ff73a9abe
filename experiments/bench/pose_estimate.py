"""What a pose search would take on an H200: an estimate from counted operations.

`python -m experiments.bench.pose_estimate` takes the detectors that `experiments.pose`
or `experiments.mad` left in a run folder, and prints milliseconds a query.

Nothing here is measured on a GPU. Counted are the pixels at which splats are composited
at the starts (lists of the GPU kernels' tiles), with the instructions that the compiled
kernel takes for each (`experiments.bench.kernels`), and the bytes that XLA's own cost
analysis gives for coarse search and alignment; the CPU's fusions stand in for the
GPU's. Sorting the lists and launching kernels are left out.
"""

import dataclasses
import pathlib

import jax
import jax.numpy as jnp

from experiments.bench import processors
from jaxsplat import data, pose
from jaxsplat.commands import flags
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.splits import choose_queries
from jaxsplat.errors import DataError
from jaxsplat.methods import Detector
from jaxsplat.pose import alignment, pyramid
from jaxsplat.rendering import api as render
from jaxsplat.rendering import exposure
from jaxsplat.rendering.constants import TILE
from jaxsplat.rendering.twin import Twin
from jaxsplat.report import files, names
from jaxsplat.study import posing
from jaxsplat.study.posing import Posed

# The shares of both that such kernels reach are assumed.
_GPU = processors.GPUS["NVIDIA H200"]
_WARP_INSTRUCTIONS_PER_S = 0.55 * _GPU.warp_instructions_per_s
_BYTES_PER_S = 0.6 * _GPU.bytes_per_s
_LANES = 32


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to look at; all by default")
    run: str = flags.option("runs/pose", "folder of the run that fitted the objects")
    size: int | None = flags.option(
        None, "longer image side in pixels, as in that run", lower=16
    )
    max_queries: int | None = flags.option(
        16, "look at this many photographs at most", lower=1
    )
    out: str = flags.option("", "JSON file to write; none when empty")


def main(config: Config) -> None:
    """Prints a line for each object and writes the JSON; see the module."""
    paths = data.resolve_categories(
        config.data_dir or data.sample_dir(), config.categories
    )
    found = {}
    for path in paths:
        objects = data.load_object(path, size=config.size)
        folder = pathlib.Path(config.run) / names.safe_name(objects.name)
        if not folder.exists():
            raise DataError(
                f"{folder}: found no fitted object; run `python -m experiments.pose` "
                "first, or name the folder of a run by --run"
            )
        detector = Detector.load(folder)
        twin = detector.twin
        views = choose_queries(objects.test, config.max_queries)
        posed = posing.of_views(path, views, twin, detector.world)
        gallery = posing.FINDER.prepare(twin, objects.train, jax.random.key(0))
        starts = posing.found_starts(twin, posing.FINDER, gallery, posed)
        parts = milliseconds_per_query(twin, gallery, posed, starts)
        found[objects.name] = parts
        print(f"{objects.name}: {parts['sum']:.2f} ms a query on an H200, ESTIMATED")
    if config.out:
        files.write_json(pathlib.Path(config.out), {"milliseconds_per_query": found})


def milliseconds_per_query(
    twin: Twin, gallery: pose.Gallery, posed: Posed, starts: jax.Array
) -> dict[str, float]:
    """Returns estimated milliseconds a query, by part.

    Args:
        twin: the fitted object.
        gallery: of the object.
        posed: the photographs.
        starts: of each, [b, k, 4, 4].
    """
    instructions = processors.instructions("composite", _GPU.architecture)
    composited, aligned = 0.0, 0.0
    width, height = posed.camera.width, posed.camera.height
    pairs = starts.shape[1]
    for stage in pose.stages_for(width, height):
        camera = pyramid.shrunken(posed.camera, stage.shrink)
        lists = render.plan(
            twin.gaussians,
            cameras.at_poses(camera, starts[:, 0]),
            slack=1.0,
            minification=float(stage.shrink),
        )
        blended = lists * TILE**2 / _LANES * instructions
        composited += pairs * stage.renders * blended
        one = cameras.with_pose(camera, starts[0, 0])
        step = _bytes_of_step(twin, one, stage.scale)
        aligned += pairs * stage.renders * (stage.steps + 1) * step
        pairs = stage.keep
    found = {
        "composited": composited / _WARP_INSTRUCTIONS_PER_S,
        "aligned": aligned / _BYTES_PER_S,
        "coarse": _bytes_of_coarse(twin, gallery, posed) / _BYTES_PER_S,
    }
    found["sum"] = sum(found.values())
    return {part: 1e3 * seconds for part, seconds in found.items()}


def _bytes_of_step(twin: Twin, camera: Camera, scale: float) -> float:
    """Returns the bytes that one evaluation of the alignment moves."""
    plane = jnp.zeros((camera.height, camera.width))
    template = alignment.Template(jnp.stack([plane] * 3), plane, plane + 1, camera)

    def step(matrix: jax.Array, image: jax.Array) -> jax.Array:
        same = exposure.neutral(twin.background)
        evaluate = alignment.equations(
            template, image, camera, twin.center, same, jnp.asarray(True), scale
        )
        found = evaluate(matrix)
        return found.matrix + found.vector + found.cost

    image = jnp.zeros((camera.height, camera.width, 3))
    return _bytes(jax.jit(step).lower(camera.camera_from_world, image))


def _bytes_of_coarse(twin: Twin, gallery: pose.Gallery, posed: Posed) -> float:
    images = jax.ShapeDtypeStruct((1, *posed.photos.shape[1:]), jnp.float32)

    def search(photos: jax.Array) -> pose.CoarsePoses:
        return posing.FINDER(twin, gallery, pose.on_plain(photos))

    return _bytes(jax.jit(search).lower(images))


def _bytes(lowered: jax.stages.Lowered) -> float:
    cost = lowered.compile().cost_analysis()
    assert cost is not None
    return float(cost["bytes accessed"])


if __name__ == "__main__":
    flags.run(main, Config)
