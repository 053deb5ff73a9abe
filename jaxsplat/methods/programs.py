"""The compiled programs of a method: find, refine, judge.

Each is one XLA program for a batch of photographs. The parts are static arguments, so a
detector that is loaded again runs what is compiled already.
"""

import dataclasses
import functools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.methods.method import Method
from jaxsplat.pose import CoarsePoses, PoseEstimate, expected_photographs
from jaxsplat.pose.parts import Refine, Starts
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.parts import Compare, Score

STAGES = ("coarse", "refine", "features")

_compiled: set[Any] = set()
_lock = threading.Lock()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class States:
    """What the parts of a method keep of one object, each a pytree of arrays."""

    starts: Any
    refine: Any
    compare: Any


class Judged(NamedTuple):
    """What comparing photographs with the twin gives.

    Attributes:
        expected: what the photographs should show, RGB in [0, 1], [b, h, w, 3].
        maps: anomaly maps, [b, map_h, map_w].
        scores: of the images, [b].
        needed: the most (tile, splat) pairs that a render took, [b].
    """

    expected: Float[Array, "b h w 3"]
    maps: Float[Array, "b map_h map_w"]
    scores: Float[Array, " b"]
    needed: Int[Array, " b"]


@functools.partial(jax.jit, static_argnames="part")
def _find(part: Starts, twin: Twin, state: Any, photographs: Array) -> CoarsePoses:
    return part(twin, state, photographs)


@functools.partial(jax.jit, static_argnames="part")
def _refine(
    part: Refine, twin: Twin, state: Any, photographs: Array, starts: Array
) -> PoseEstimate:
    return part(twin, state, photographs, starts)


@functools.partial(jax.jit, static_argnames=("compare", "score"))
def _judge(
    compare: Compare,
    score: Score,
    twin: Twin,
    state: Any,
    photographs: Array,
    estimate: PoseEstimate,
) -> Judged:
    expected, needed = expected_photographs(twin, estimate)
    maps = compare(twin, state, photographs, expected, estimate)
    needed = jnp.maximum(needed, estimate.needed)
    return Judged(expected, maps, score(maps), needed)


def run(
    method: Method, twin: Twin, states: States, photographs: Float[Array, "b h w 3"]
) -> tuple[PoseEstimate, Judged, dict[str, float]]:
    """Returns poses, what follows from them, and the seconds of each stage.

    Args:
        method: the parts.
        twin: the object; its camera is that of the photographs.
        states: of the parts.
        photographs: RGB in [0, 1], [b, h, w, 3].
    """
    times = [time.monotonic()]

    def finished(result: Any) -> Any:
        jax.block_until_ready(result)
        times.append(time.monotonic())
        return result

    starts = finished(_find(method.starts, twin, states.starts, photographs))
    estimate = finished(
        _refine(
            method.refine, twin, states.refine, photographs, starts.camera_from_world
        )
    )
    judged = finished(
        _judge(
            method.compare, method.score, twin, states.compare, photographs, estimate
        )
    )
    spent = [after - before for before, after in zip(times, times[1:])]
    return estimate, judged, dict(zip(STAGES, spent, strict=True))


def compile_programs(method: Method, twin: Twin, states: States, batch: int) -> float:
    """Compiles what `run` calls, side by side, and returns the seconds that it took.

    Args:
        method: the parts.
        twin: the object; its camera is that of the photographs.
        states: of the parts.
        batch: number of photographs.
    """
    begin = time.monotonic()
    size = (batch, twin.camera.height, twin.camera.width, 3)
    photographs = jax.ShapeDtypeStruct(size, jnp.float32)
    leaves, structure = jax.tree.flatten((twin, states))
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    key = (method, structure, shapes, size)
    with _lock:
        if key in _compiled:
            return 0.0
    find = (method.starts, twin, states.starts, photographs)
    starts = jax.eval_shape(functools.partial(_find, method.starts), *find[1:])
    refine = (twin, states.refine, photographs, starts.camera_from_world)
    estimate = jax.eval_shape(functools.partial(_refine, method.refine), *refine)
    judge = (twin, states.compare, photographs, estimate)
    lowered = [
        _refine.lower(method.refine, *refine),
        _judge.lower(method.compare, method.score, *judge),
        _find.lower(*find),
    ]
    # XLA compiles without Python's lock, so another processor can be used.
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda program: program.compile(), lowered))
    with _lock:
        _compiled.add(key)
    return time.monotonic() - begin
