"""The compiled programs of a method: find, refine, judge.

Each is one XLA program for a batch of photographs. The parts are static arguments, so
a detector that is loaded again runs what is compiled already. Several devices each run
the same program on a part of the batch (`jax.shard_map`), with twin and states whole.
"""

import dataclasses
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float, Int

from jaxsplat.core.devices import PHOTOGRAPHS
from jaxsplat.methods.method import Method
from jaxsplat.pose import TRUSTED, Outcome, PoseEstimate, expected_photographs
from jaxsplat.pose.expected import agreement, as_good_views, beside
from jaxsplat.pose.obstruction import find_obstructed, hidden
from jaxsplat.pose.photographs import Photographs, on_plain
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.parts import Compare, ComparesByLevel, Score

# Coverage by the twin from which a photograph itself is compared, whatever of it was
# taken for background.
_COVERED = 0.95

STAGES = ("coarse", "refine", "features")

_compiled: set[Any] = set()
# The structure of what a program returns, which is known once it was traced.
_results: dict[Any, jax.tree_util.PyTreeDef] = {}
_lock = threading.Lock()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class States:
    """What the parts of a method keep of one object, each a pytree of arrays."""

    starts: Any
    refine: Any
    compare: Any
    second_starts: Any = None


class Judged(NamedTuple):
    """What comparing photographs with the twin gives.

    Attributes:
        expected: what the photographs should show, RGB in [0, 1], [b, h, w, 3].
        maps: anomaly maps, [b, map_h, map_w].
        scores: of the images, [b].
        levels: maps of what the anomaly maps join, none where not asked for.
        agreement: see `pose.agreement`, [b].
        beside: see `pose.beside`, [b].
        hidden: share of the object that something in front of it hides, [b].
        needed: the most (tile, splat) pairs that a render took, [b].
    """

    expected: Float[Array, "b h w 3"]
    maps: Float[Array, "b map_h map_w"]
    scores: Float[Array, " b"]
    levels: Float[Array, "b levels _ _"]
    agreement: Float[Array, " b"]
    beside: Float[Array, " b"]
    hidden: Float[Array, " b"]
    needed: Int[Array, " b"]


@dataclasses.dataclass(frozen=True)
class _Judge:
    """The last program: render, compare, score."""

    compare: Compare
    score: Score
    by_level: bool

    def __call__(
        self,
        twin: Twin,
        state: Any,
        photographs: Photographs,
        whole: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Judged:
        expected = expected_photographs(twin, photographs, estimate)
        # What is of the background's colour may be the object all the same.
        covered = expected.coverage[..., None] > _COVERED
        images = jnp.where(covered, whole, photographs.images)
        photographs = dataclasses.replace(photographs, images=images)
        # Something else may stand in front of the object, but is not like it.
        seen, known = as_good_views(twin, photographs, expected)
        alike = agreement(seen, known, expected.coverage, photographs.plain)
        in_front, expected = find_obstructed(twin, photographs, expected)
        seen, known = as_good_views(twin, photographs, expected)
        seen = jnp.where(in_front[..., None], known, seen)
        maps = self.compare(twin, state, seen, known, estimate)
        levels = maps[:, :0, None]
        if self.by_level:
            assert isinstance(self.compare, ComparesByLevel)
            levels = self.compare.level_maps(twin, state, seen, known, estimate)
        return Judged(
            expected.images,
            maps,
            self.score(maps),
            levels,
            alike,
            beside(photographs, expected),
            hidden(in_front, expected.coverage),
            jnp.maximum(expected.needed, estimate.needed),
        )


def _judge_of(method: Method) -> _Judge:
    return _Judge(method.compare, method.score, method.level_maps)


@functools.partial(jax.jit, static_argnames=("call", "structure", "mesh"))
def _program(
    call: Callable[..., Any],
    structure: jax.tree_util.PyTreeDef,
    mesh: Mesh | None,
    leaves: list[Array],
) -> list[Array]:
    """Returns the leaves of `call` of the arguments that have these leaves.

    All come flat, since JAX describes what it compiles ahead by records of the same
    kinds that hold no arrays, which checked records refuse. The first two arguments are
    of the object, all others have an axis of photographs.
    """

    def on_one(leaves: list[Array]) -> list[Array]:
        found, _results[call, structure] = jax.tree.flatten(
            call(*jax.tree.unflatten(structure, leaves))
        )
        return found

    if mesh is None:
        return on_one(leaves)
    whole = sum(child.num_leaves for child in structure.children()[:2])
    split = PartitionSpec(PHOTOGRAPHS)
    specs = [PartitionSpec()] * whole + [split] * (len(leaves) - whole)
    # Nothing passes between devices, so there is nothing to check, and parts need not
    # say of their constants on which devices these differ.
    on_all = jax.shard_map(
        on_one, mesh=mesh, in_specs=(specs,), out_specs=split, check_vma=False
    )
    return on_all(leaves)


def run(
    method: Method,
    twin: Twin,
    states: States,
    photographs: Photographs,
    whole: Float[Array, "b h w 3"],
    mesh: Mesh | None = None,
) -> tuple[PoseEstimate, Judged, dict[str, float]]:
    """Returns poses, what follows from them, and the seconds of each stage.

    Photographs of which the coarse finder found nothing, all costs infinite, have no
    pose that could be trusted, wherever the refinement ended.

    Args:
        method: the parts.
        twin: the object; its camera is that of the photographs.
        states: of the parts.
        photographs: of one size.
        whole: the photographs as they were taken, before their own backgrounds.
        mesh: the devices among which the photographs are split evenly, with twin and
            states on each; see `core.devices`. None is one device.
    """
    times = [time.monotonic()]

    def called(call: Callable[..., Any], *arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten(arguments)
        found = jax.block_until_ready(_program(call, structure, mesh, leaves))
        times.append(time.monotonic())
        return jax.tree.unflatten(_results[call, structure], found)

    coarse = called(method.starts, twin, states.starts, photographs)
    starts = coarse.camera_from_world
    estimate = called(method.refine, twin, states.refine, photographs, starts)
    judged = called(
        _judge_of(method), twin, states.compare, photographs, whole, estimate
    )
    spent = [after - before for before, after in zip(times, times[1:])]
    lost = jnp.all(jnp.isinf(coarse.costs), axis=1) & jnp.isin(
        estimate.outcome, jnp.array(list(TRUSTED), jnp.int32)
    )
    outcome = jnp.where(lost, jnp.int32(Outcome.OUT_OF_VIEW), estimate.outcome)
    estimate = dataclasses.replace(estimate, outcome=outcome)
    return estimate, judged, dict(zip(STAGES, spent, strict=True))


def compile_programs(
    method: Method, twin: Twin, states: States, batch: int, mesh: Mesh | None = None
) -> float:
    """Compiles what `run` calls, side by side, and returns the seconds that it took.

    Args:
        method: the parts.
        twin: the object; its camera is that of the photographs.
        states: of the parts.
        batch: number of photographs.
        mesh: as in `run`.
    """
    begin = time.monotonic()
    size = (batch, twin.camera.height, twin.camera.width, 3)
    leaves, structure = jax.tree.flatten((twin, states))
    shapes = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
    key = (method, structure, shapes, size, mesh)
    with _lock:
        if key in _compiled:
            return 0.0
    split = None if mesh is None else NamedSharding(mesh, PartitionSpec(PHOTOGRAPHS))
    photographs = _Abstract(
        jax.ShapeDtypeStruct(size, jnp.float32, sharding=split),
        jax.ShapeDtypeStruct(size[:1], jnp.bool, sharding=split),
        structure=jax.tree.structure(on_plain(jnp.zeros((1, 1, 1, 3)))),
    )
    find = _lower(mesh, method.starts, twin, states.starts, photographs)
    starts = _Abstract(find.results.leaves[0])  # CoarsePoses.camera_from_world
    refine = _lower(mesh, method.refine, twin, states.refine, photographs, starts)
    judge = _lower(
        mesh,
        _judge_of(method),
        twin,
        states.compare,
        photographs,
        _Abstract(photographs.leaves[0]),
        refine.results,
    )
    # XLA compiles without Python's lock, so another processor can be used.
    with ThreadPoolExecutor() as pool:
        lowered = [refine.lowered, judge.lowered, find.lowered]
        list(pool.map(lambda program: program.compile(), lowered))
    with _lock:
        _compiled.add(key)
    return time.monotonic() - begin


def forget_programs() -> None:
    """Frees all compiled programs of the process, JAX's own included."""
    with _lock:
        _compiled.clear()
    jax.clear_caches()


class _Abstract:
    """An argument that is known by the shapes of its leaves alone."""

    def __init__(self, *leaves: jax.ShapeDtypeStruct, structure: Any = None) -> None:
        self.leaves = leaves
        self.structure = jax.tree.structure(0) if structure is None else structure


class _Lowered(NamedTuple):
    """A program before it is compiled, and what it returns."""

    lowered: jax.stages.Lowered
    results: _Abstract


def _lower(mesh: Mesh | None, call: Callable[..., Any], *arguments: Any) -> _Lowered:
    leaves: list[Any] = []
    structures = []
    for argument in arguments:
        if isinstance(argument, _Abstract):
            found, structure = list(argument.leaves), argument.structure
        else:
            found, structure = jax.tree.flatten(argument)
        leaves += found
        structures.append(structure)
    whole = jax.tree_util.treedef_tuple(structures)
    traced = _program.trace(call, whole, mesh, leaves)
    lowered = traced.lower()
    split = None if mesh is None else NamedSharding(mesh, PartitionSpec(PHOTOGRAPHS))
    shapes = [
        jax.ShapeDtypeStruct(aval.shape, aval.dtype, sharding=split)
        for aval in traced.jaxpr.out_avals
    ]
    return _Lowered(lowered, _Abstract(*shapes, structure=_results[call, whole]))
