"""What the GPU kernels become as machine code, found without a GPU.

`python -m experiments.bench.kernels` compiles each kernel for each architecture and
prints registers of a thread, bytes spilled, shared memory, and instructions for one
splat at one pixel, counted in the inner loop. The numbers stand in for speed where no
GPU is at hand; those committed in `experiments/bench/results/kernels.json` are a
budget that a test holds. It needs the package `triton` (`pip install triton`).
"""

import dataclasses
import importlib.metadata
import pathlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from experiments.bench import cubins
from jaxsplat.commands import flags
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import kernels as alignment_kernels
from jaxsplat.pose.alignment import Problem, Template
from jaxsplat.rendering import normal_form, splat_table
from jaxsplat.rendering.constants import TILE
from jaxsplat.rendering.motion import AXES, POSE, Tangents
from jaxsplat.rendering.pallas import backward, forward, normal, searching
from jaxsplat.rendering.pallas.launch import Launch
from jaxsplat.rendering.pallas.searching import Search
from jaxsplat.report import files
from jaxsplat.report.versions import versions

_N, _M, _GRID = 1000, 8192, 50  # rows, pairs and tiles a side; they change no loop


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    architectures: str = flags.option("80,86,89,90", "compute capabilities, times ten")
    out: str = flags.option("", "JSON file to write; none when empty")


def kernels() -> dict[str, tuple[str, int]]:
    """Returns the Triton code and the number of warps of each kernel.

    `row_sums` adds up what `composite_reverse` writes. The normal equations come in
    three forms: of the pose alone, with gain and offset, and of an antialiased cloud
    whose colours depend on the view. `search` finds the bounds of lists,
    `alignment` and `descent` are a step of the pose search.
    """
    launch = Launch(_GRID, _GRID, interpret=False)
    pixels = TILE**2

    def floats(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    def integers(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.int32)

    lists = integers(_M), integers(launch.tiles), integers(launch.tiles)
    table = floats(_N, splat_table.WIDTH)
    image = floats(launch.tiles, pixels, splat_table.CHANNELS)
    target = floats(launch.tiles, pixels, normal_form.CHANNELS + 1)
    settings = floats(normal_form.EXPOSURE + 1 + normal_form.CHANNELS)

    def equations(exposure: bool, *tangents: Any) -> str:
        def run(table, lists, target, settings, power, tints=None):  # type: ignore
            moving = Tangents(power, tints)
            return normal.normal_equations(
                table, moving, lists, target, settings, exposure, launch
            )

        return _only(cubins.lower(run, table, lists, target, settings, *tangents))

    composite = cubins.lower(
        lambda table, lists: forward.forward(table, lists, launch), table, lists
    )
    reverse = cubins.lower(
        lambda table, lists, image, pull: backward.backward(
            table, lists, image, pull, launch
        ),
        table,
        lists,
        image,
        image,
    )
    plain, antialiased = floats(_N, POSE, 5), floats(_N, POSE, 6)
    tints = floats(_N, AXES, normal_form.CHANNELS), floats(POSE, AXES)
    pose_search = _alignment(floats)
    search = cubins.lower(
        lambda row: Search(interpret=False)(row, 0, _M), integers(1, _N)
    )
    return {
        "composite": (_only(composite), forward.WARPS),
        "composite_reverse": (reverse["composite_reverse"], backward.WARPS),
        "row_sums": (reverse["row_sums"], backward.WARPS),
        "normal_equations": (equations(False, plain), normal.WARPS),
        "normal_equations_exposure": (equations(True, plain), normal.WARPS),
        "normal_equations_harmonics": (
            equations(False, antialiased, tints),
            normal.WARPS,
        ),
        "search": (_only(search), searching.WARPS),
        "alignment": (pose_search["alignment"], alignment_kernels.WARPS),
        "descent": (pose_search["descent"], 1),
    }


def _alignment(floats: Callable[..., Any]) -> dict[str, str]:
    """Returns the Triton code of the kernels of a pose's alignment."""
    side = _GRID * TILE
    image, color = floats(side, side), floats(3, side, side)
    number = floats()
    camera = Camera(floats(4, 4), number, number, number, number, side, side)
    template = Template(color, image, image, camera)
    problem = Problem(
        template, color, camera, floats(3), floats(3), color, color, color, image, 1.0
    )
    return cubins.lower(
        lambda problem, start: alignment_kernels.descend(problem, start, 1, False),
        problem,
        floats(4, 4),
    )


def _only(codes: dict[str, str]) -> str:
    (code,) = codes.values()
    return code


def report(architectures: list[int]) -> dict[str, dict[str, dict[str, float]]]:
    """Returns the numbers by kernel and architecture."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, (code, warps) in kernels().items():
        found[name] = {}
        for architecture in architectures:
            cubin = cubins.build(code, architecture, warps)
            pixels = TILE**2 / (cubins.THREADS * warps)
            found[name][f"sm_{architecture}"] = {
                "warps": warps,
                "registers": cubin.registers,
                "spilled_bytes": cubin.spills,
                "shared_bytes": cubin.shared,
                "instructions_per_pixel_gaussian": cubin.instructions / pixels,
            }
    return found


def main(config: Config) -> None:
    """Prints the table and writes the JSON; see the module."""
    found = report([int(part) for part in config.architectures.split(",")])
    print(f"{'kernel':28}{'arch':>7}{'warps':>7}{'regs':>6}{'spill':>7}{'instr':>8}")
    for name, by_architecture in found.items():
        for architecture, row in by_architecture.items():
            print(
                f"{name:28}{architecture:>7}{row['warps']:7}{row['registers']:6}"
                f"{row['spilled_bytes']:7}"
                f"{row['instructions_per_pixel_gaussian']:8.1f}"
            )
    if config.out:
        compiler = {"triton": importlib.metadata.version("triton")}
        record = {"kernels": found, "versions": versions() | compiler}
        files.write_json(pathlib.Path(config.out), record)


if __name__ == "__main__":
    flags.run(main, Config)
