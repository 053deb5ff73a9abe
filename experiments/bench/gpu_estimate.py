"""What a pose search would take on an H200: an estimate from counted operations.

Nothing here is measured on a GPU. Counted are the pixels at which splats are composited
at the starts (lists of the GPU kernels' tiles), with the instructions that the compiled
kernel takes for each (`experiments.bench.kernels`), and the bytes that XLA's own cost
analysis gives for coarse search and alignment; the CPU's fusions stand in for the
GPU's. Sorting the lists and launching kernels are left out.
"""

import jax
import jax.numpy as jnp

from experiments.bench import processors
from jaxsplat import pose
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.methods.twin import Twin
from jaxsplat.pose import alignment, exposure, pyramid
from jaxsplat.rendering import api as render
from jaxsplat.rendering.constants import TILE
from jaxsplat.study.posing import STARTS, Posed

# The shares of both that such kernels reach are assumed.
_GPU = processors.GPUS["NVIDIA H200"]
_WARP_INSTRUCTIONS_PER_S = 0.55 * _GPU.warp_instructions_per_s
_BYTES_PER_S = 0.6 * _GPU.bytes_per_s
_LANES = 32


def milliseconds_per_query(
    twin: Twin, posed: Posed, starts: jax.Array
) -> dict[str, float]:
    """Returns estimated milliseconds a query, by part.

    Args:
        twin: the fitted object.
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
            pose.at_poses(camera, starts[:, 0]),
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
        "coarse": _bytes_of_coarse(twin, posed) / _BYTES_PER_S,
    }
    found["sum"] = sum(found.values())
    return {part: 1e3 * seconds for part, seconds in found.items()}


def _bytes_of_step(twin: Twin, camera: Camera, scale: float) -> float:
    """Returns the bytes that one evaluation of the alignment moves."""
    plane = jnp.zeros((camera.height, camera.width))
    template = alignment.Template(jnp.stack([plane] * 3), plane, plane + 1, camera)

    def step(matrix: jax.Array, image: jax.Array) -> jax.Array:
        plain = exposure.neutral(twin.background)
        evaluate = alignment.equations(
            template, image, camera, twin.center, plain, scale
        )
        found = evaluate(matrix)
        return found.matrix + found.vector + found.cost

    image = jnp.zeros((camera.height, camera.width, 3))
    return _bytes(jax.jit(step).lower(camera.camera_from_world, image))


def _bytes_of_coarse(twin: Twin, posed: Posed) -> float:
    images = jax.ShapeDtypeStruct((1, *posed.photos.shape[1:]), jnp.float32)

    def search(photos: jax.Array) -> tuple[jax.Array, jax.Array]:
        return pose.find_starts(twin.gallery, posed.camera, photos, STARTS)

    return _bytes(jax.jit(search).lower(images))


def _bytes(lowered: jax.stages.Lowered) -> float:
    cost = lowered.compile().cost_analysis()
    assert cost is not None
    return float(cost["bytes accessed"])
