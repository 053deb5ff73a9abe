"""What processors can do at best, for estimates."""

import dataclasses
import json
import pathlib

import jax

from experiments.bench import clocks, limit
from jaxsplat.rendering import lockstep
from jaxsplat.rendering.constants import TILE

_REPORT = pathlib.Path(__file__).parent / "results" / "kernels.json"
_LANES = 32  # of a warp


@dataclasses.dataclass(frozen=True)
class Gpu:
    """What an NVIDIA GPU's data sheet says.

    Attributes:
        processors: streaming multiprocessors, of four schedulers each.
        clock: highest, in Hz.
        bytes_per_s: of the memory.
        architecture: as in `experiments.bench.kernels`.
    """

    processors: int
    clock: float
    bytes_per_s: float
    architecture: str

    @property
    def warp_instructions_per_s(self) -> float:
        """Instructions of whole warps that can be issued."""
        return 4 * self.processors * self.clock


GPUS = {
    "NVIDIA H200": Gpu(132, 1.98e9, 4.8e12, "sm_90"),
    "NVIDIA H100 80GB HBM3": Gpu(132, 1.98e9, 3.35e12, "sm_90"),
    "NVIDIA A100-SXM4-80GB": Gpu(108, 1.41e9, 2.04e12, "sm_80"),
}

# The kernels of each product of `batches`.
_KERNELS = {
    "image": ("composite",),
    "gradient": ("composite", "composite_reverse"),
    "normal_equations": ("normal_equations",),
}


def instructions(kernel: str, architecture: str) -> float:
    """Returns a kernel's instructions per pixel and Gaussian, as committed."""
    rows = json.loads(_REPORT.read_text())["kernels"][kernel]
    return rows[architecture]["instructions_per_pixel_gaussian"]


def limits(pairs: int, repeats: int) -> dict[str, float]:
    """Returns the least milliseconds of compositing for each product, where known.

    Every pixel of every listed tile counts, so stopping early counts for a renderer and
    binning and projection against it. On a GPU of `GPUS` it is the time to issue the
    kernels' instructions, estimated; on a CPU that of an image's arithmetic alone,
    measured (`limit`).

    Args:
        pairs: of tile and splat, in all lists.
        repeats: rounds of which the fastest counts.
    """
    device, pixels = jax.devices()[0], pairs * TILE**2
    if device.platform == "cpu":
        return {"image": 1e3 * pixels / _evaluations_per_s(repeats)}
    gpu = GPUS.get(device.device_kind)
    if gpu is None:
        return {}
    issued = gpu.warp_instructions_per_s * _LANES
    return {
        product: 1e3
        * pixels
        * sum(instructions(kernel, gpu.architecture) for kernel in kernels)
        / issued
        for product, kernels in _KERNELS.items()
    }


def _evaluations_per_s(repeats: int) -> float:
    """Returns how many splats at one pixel this CPU can blend a second."""
    table, rounds = limit.resident_table(), 2000
    taken = clocks.fastest(
        {"blend": lambda: limit.blend_resident(table, rounds)}, repeats
    )["blend"]
    blended = rounds * lockstep.UNROLL * lockstep.LOCKSTEP * lockstep.PIXELS
    return 1e3 * blended / taken
