"""What the renderer's programs become on an NVIDIA GPU, found without a GPU.

`python -m experiments.bench.programs` compiles the products of `batches`, and the
search for poses, for an H100. For each it prints how many kernels it starts, how many
of its sorts are CUB's radix sort, what its kernels move to and from memory at most, and
the memory it takes beside inputs and results. What has to be installed for that stands
in `deviceless`; `JAX_PLATFORMS=cpu` must be set. The numbers committed in
`experiments/bench/results/programs.json` are a budget that a test holds.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from unittest import mock

import jax
import jax.numpy as jnp

from experiments.bench import batches, deviceless, hlo, scenes
from jaxsplat import pose
from jaxsplat.commands import flags
from jaxsplat.rendering import api, backends
from jaxsplat.rendering.twin import Twin
from jaxsplat.report import files
from jaxsplat.report.versions import versions

_CUB = "xla.gpu.ext.cub_sort_pairs"
_TRITON = "__gpu$xla.gpu.triton"


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    size: int = flags.option(400, "image side in pixels", lower=16)
    batches: tuple[int, ...] = flags.option((1, 64), "numbers of images", lower=1)
    cloud: int = flags.option(100_000, "Gaussians of the scene", lower=1)
    out: str = flags.option("", "JSON file to write; none when empty")


def report(size: int, counts: Sequence[int], cloud: int) -> list[dict[str, object]]:
    """Returns a row for each batch and product.

    Args:
        size: image side in pixels.
        counts: numbers of images.
        cloud: Gaussians of the scene.

    Raises:
        ConfigError: programs cannot be compiled for a GPU here.
    """
    gaussians, rows = scenes.clusters(cloud), []
    for batch in counts:
        cameras = scenes.orbit(batch, size)
        capacity = api.plan(gaussians, cameras, slack=1.05)
        products = batches.products("pallas", capacity, size)
        # The backend is refused where there is no GPU to run it.
        with mock.patch.dict(backends._OBSTACLES, {"pallas": str}):
            programs = {
                name: deviceless.compile_program(product, gaussians, cameras)
                for name, product in products.items()
            }
            programs["pose_search"] = _pose_search(batch)
        for name, program in programs.items():
            rows.append({"product": name, "batch": batch, **_row(program)})
    return rows


def _pose_search(batch: int) -> hlo.Program:
    """Returns the program that refines the poses of photographs.

    Each has four starts, 200 x 200 pixels and an object of 4,000 Gaussians, as the
    bundled sample.
    """
    gaussians, camera = scenes.shell(4000), scenes.viewpoint(200)
    twin = Twin(
        gaussians,
        camera,
        center=jnp.zeros(3),
        background=jnp.ones(3),
        sampling_rate=jnp.float32(70.0),
        capacity=api.plan(gaussians, camera),
        backend="pallas",
    )
    solver = pose.Lm(together=4 * batch)

    def search(twin: Twin, photos: jax.Array, starts: jax.Array) -> pose.PoseEstimate:
        return solver(twin, (), pose.on_plain(photos), starts)

    photos = jax.ShapeDtypeStruct((batch, 200, 200, 3), jnp.float32)
    starts = jax.ShapeDtypeStruct((batch, 4, 4, 4), jnp.float32)
    return deviceless.compile_program(search, twin, photos, starts)


def _row(program: hlo.Program) -> dict[str, float]:
    return {
        "launches": program.launches,
        "own_kernels": program.by_name.get(_TRITON, 0),
        "cub_sorts": program.by_name.get(_CUB, 0),
        "other_sorts": program.by_name.get("sort", 0),
        "megabytes_moved": program.bytes_moved / 1e6,
        "memory_megabytes": program.temporary_bytes / 1e6,
    }


def main(config: Config) -> None:
    """Prints the table and writes the JSON; see the module."""
    rows = report(config.size, config.batches, config.cloud)
    columns = list(rows[0])
    print("".join(f"{column:>18}" for column in columns))
    for row in rows:
        print(
            "".join(
                f"{value:18.1f}" if isinstance(value, float) else f"{value:>18}"
                for value in row.values()
            )
        )
    if config.out:
        record = {
            "device": deviceless.DEVICE,
            "size": config.size,
            "gaussians": config.cloud,
            "rows": rows,
            "versions": versions(),
        }
        files.write_json(pathlib.Path(config.out), record)


if __name__ == "__main__":
    flags.run(main, Config)
