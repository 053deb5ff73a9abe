"""The way of photographs through a method: taken, grouped by size, run, told."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from jaxsplat.core import devices, exhaustion
from jaxsplat.core.cameras import Camera
from jaxsplat.data.lens import Lens
from jaxsplat.data.poses import orthonormal
from jaxsplat.data.world import World
from jaxsplat.errors import NumericsError
from jaxsplat.methods import photographs, programs
from jaxsplat.methods.inspection import Inspection, failed, why_no_verdict
from jaxsplat.methods.method import Method
from jaxsplat.methods.photographs import Taken
from jaxsplat.methods.programs import Judged, States
from jaxsplat.methods.quality import PLACED, Quality, judgeable
from jaxsplat.pose import TRUSTED, Outcome, Photographs, PoseEstimate
from jaxsplat.rendering.twin import Twin
from jaxsplat.scene import gaussians as scene
from jaxsplat.scores.nearness import Nearness
from jaxsplat.scores.parts import ComparesByLevel

# How much longer than planned the renderer's lists may become for a photograph from
# very near.
_MOST_GROWTH = 16
# Of the object's area: what differs beside it by more is no part of it; where something
# reaches in that hides some of the object, such as a tool, it may be more.
_MUCH, _MUCH_IN_FRONT = 0.25, 0.5
# Where a pose is in doubt, even so much may have misled it.
_LITTLE = 0.02
# A photograph with one of these may show the object at another pose. Not one that two
# poses explain: another search might find one of them alone.
_UNEXPLAINED = frozenset({Outcome.NOT_THIS_OBJECT, Outcome.OUT_OF_VIEW})
# Share of the object: where more would be hidden, the pose may be wrong.
_MOST_HIDDEN = 0.3


@dataclasses.dataclass(frozen=True)
class Prepared:
    """All that inspection needs of one object.

    Attributes:
        twin: the fitted object; its camera is that of the training views.
        states: of the method's parts.
        calibration: of the method's calibration; None while it is being made.
        quality: of the fit; None while it is being measured.
        nearness: what it costs a photograph that no view of the fit is near; None where
            that is not told.
        world: how the user's coordinates become those of the twin.
        lens: that photographs are taken with, with its distortion; None where they are
            those of the twin's camera.
        by_background: whether a plain background tells where photographs show the
            object; else the surroundings of those without alpha or mask are unknown.
    """

    twin: Twin
    states: States
    calibration: Any = None
    quality: Quality | None = None
    nearness: Nearness | None = None
    world: World = World()
    lens: Lens | None = None
    by_background: bool = True
    _copies: dict[Mesh, tuple[Twin, States]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def on(self, mesh: Mesh | None, camera: Camera) -> tuple[Twin, States]:
        """Returns twin, with a camera, and states on all devices of a mesh.

        They are copied there once.
        """
        twin, states = self.twin, self.states
        if mesh is not None:
            if mesh not in self._copies:
                self._copies[mesh] = devices.copied((twin, states), mesh)
            twin, states = self._copies[mesh]
        camera = devices.copied(camera, mesh)
        return dataclasses.replace(twin, camera=camera), states


def inspect(method: Method, known: Prepared, items: Iterable[Any]) -> list[Inspection]:
    """Returns the finding about each photograph, in their order.

    A photograph that fails is a finding too. Photographs of one size and lens run
    together, as many as the method says; a group that is not full is filled up, so that
    all run in the same programs.

    Args:
        method: the parts.
        known: the object.
        items: photographs, see `photographs.take`; read one after another.
    """
    background = np.asarray(known.twin.background)
    found: dict[int, Inspection] = {}
    waiting: dict[tuple[float, ...], dict[int, Taken]] = {}
    for number, item in enumerate(items):
        taken = photographs.take(
            item,
            number,
            known.twin.camera,
            background,
            known.lens,
            known.by_background,
        )
        if isinstance(taken, Inspection):
            found[number] = taken
            continue
        group = waiting.setdefault(_numbers(taken.camera), {})
        group[number] = taken
        if len(group) == method.together:
            found |= _inspect_group(method, known, group)
            group.clear()
    for group in waiting.values():
        if group:
            found |= _inspect_group(method, known, group)
    return [found[number] for number in sorted(found)]


def _numbers(camera: Camera) -> tuple[float, ...]:
    """Returns what tells a size and a lens from others."""
    lens = (camera.fx, camera.fy, camera.cx, camera.cy)
    return (float(camera.width), float(camera.height), *map(float, lens))


def prepare_programs(method: Method, known: Prepared, camera: Camera) -> float:
    """Compiles for photographs of a camera's size; returns the seconds that it took."""
    mesh = devices.mesh_of(devices.working_devices())
    twin, states = known.on(mesh, camera)
    return programs.compile_programs(method, twin, states, method.together, mesh)


def _inspect_group(
    method: Method, known: Prepared, group: dict[int, Taken]
) -> dict[int, Inspection]:
    """Returns the findings about photographs of one size and lens, by their numbers.

    Those before a plain background that are unlike the good object in much are refined
    once more. A border of one colour does not mean that nothing but the object stands
    before it. Photographs that show much else, or not the object, are looked at once
    more as of an object before anything, and so judged where they show it. Where that
    explains them no better, poses are sought from the method's second starts, if it has
    any.
    """
    found = _look(method, known, group)
    if known.quality is None:
        return found
    _refine_again(method, known, known.quality, group, found)
    anywhere = {number: taken.anywhere for number, taken in group.items()}
    again = {
        number: taken
        for number, taken in anywhere.items()
        if taken is not None and _shows_more(found[number])
    }
    if again:
        _take_better(found, _look(method, known, again), PLACED)
    hard = {
        number: anywhere[number] or taken
        for number, taken in group.items()
        if found[number].outcome in _UNEXPLAINED
    }
    if method.second_starts is not None and hard:
        _take_better(found, _look(*_second(method, known), hard), TRUSTED)
    return found


def _refine_again(
    method: Method,
    known: Prepared,
    quality: Quality,
    group: dict[int, Taken],
    found: dict[int, Inspection],
) -> None:
    """Puts findings at better poses for those at which much is unlike the good object.

    The background shows through where parts are missing, so it must be plain.
    """
    if method.second_refine is None:
        return
    doubtful = {
        number: taken
        for number, taken in group.items()
        if taken.plain and quality.is_doubtful(found[number].agreement)
    }
    if not doubtful:
        return
    patient = dataclasses.replace(method, refine=method.second_refine)
    others = _look(patient, known, doubtful)
    better = {
        number: other
        for number, other in others.items()
        if other.agreement > found[number].agreement
    }
    _take_better(found, better, PLACED)


def _second(method: Method, known: Prepared) -> tuple[Method, Prepared]:
    """Returns the method that begins at its second starts."""
    assert method.second_starts is not None
    states = known.states
    return (
        dataclasses.replace(method, starts=method.second_starts, second_starts=None),
        dataclasses.replace(
            known,
            states=dataclasses.replace(
                states, starts=states.second_starts, second_starts=None
            ),
        ),
    )


def _take_better(
    found: dict[int, Inspection],
    others: dict[int, Inspection],
    wanted: frozenset[Outcome],
) -> None:
    """Puts findings of a further look, if they have a wanted outcome, for the first."""
    for number, other in others.items():
        if other.outcome in wanted:
            first = found[number].stage_seconds
            both = {s: t + first.get(s, 0.0) for s, t in other.stage_seconds.items()}
            found[number] = dataclasses.replace(other, stage_seconds=both)


def _shows_more(found: Inspection) -> bool:
    """Returns whether a photograph shows more than an object, or something else."""
    if found.outcome in (Outcome.NOT_THIS_OBJECT, Outcome.OUT_OF_VIEW):
        return True
    if found.outcome not in TRUSTED:
        return found.beside > _LITTLE
    much = _MUCH_IN_FRONT if found.hidden > 0 else _MUCH
    return found.hidden > _MOST_HIDDEN or found.beside > much


def _look(
    method: Method, known: Prepared, group: dict[int, Taken]
) -> dict[int, Inspection]:
    """Returns the findings about photographs that are taken to be what they seem.

    Where memory runs out they are looked at once more, half as many at a time.

    Raises:
        NumericsError: memory does not suffice for half as many, or for one.
    """
    each = method.together // len(devices.working_devices())
    half = dataclasses.replace(method, batch=max(1, each // 2))
    try:
        return _look_together(method, known, group)
    except exhaustion.CANDIDATES as error:
        if not exhaustion.is_out_of_memory(error):
            raise
        if half.together == method.together:
            raise _too_large(half, known, group) from error
    numbers = list(group)
    found: dict[int, Inspection] = {}
    for first in range(0, len(numbers), half.together):
        part = {n: group[n] for n in numbers[first : first + half.together]}
        try:
            found |= _look_together(half, known, part)
        except exhaustion.CANDIDATES as error:
            if not exhaustion.is_out_of_memory(error):
                raise
            raise _too_large(half, known, group) from error
    return found


def _too_large(
    method: Method, known: Prepared, group: dict[int, Taken]
) -> NumericsError:
    """Returns the error that tells what memory does not suffice for."""
    camera = next(iter(group.values())).camera
    twin = known.twin
    return NumericsError(
        f"out of memory with {method.together} photograph(s) of {camera.width}x"
        f"{camera.height} pixels at once, {scene.count(twin.gaussians)} Gaussians and "
        f"{twin.capacity} list slots; fit with a smaller --size, or with preset fast"
    )


def _look_together(
    method: Method, known: Prepared, group: dict[int, Taken]
) -> dict[int, Inspection]:
    """Returns the findings about photographs, as many at once as the method says.

    Where a render needed longer lists than planned, as of photographs from nearer than
    the training views, those photographs run again with longer ones.
    """
    mesh = devices.mesh_of(devices.working_devices())
    twin, states = known.on(mesh, next(iter(group.values())).camera)
    left = dict(group)
    found: dict[int, Inspection] = {}
    while left:
        programs.compile_programs(method, twin, states, method.together, mesh)
        every = list(left.values())
        every += every[-1:] * (method.together - len(every))
        together = Photographs(
            jnp.asarray(np.stack([taken.image for taken in every])),
            jnp.asarray([taken.plain for taken in every]),
        )
        whole = [t.image if t.whole is None else t.whole for t in every]
        together, taken = devices.shared((together, jnp.asarray(np.stack(whole))), mesh)
        estimate, judged, seconds = programs.run(
            method, twin, states, together, taken, mesh
        )
        needed = np.asarray(judged.needed)
        share = {stage: spent / len(left) for stage, spent in seconds.items()}
        fits = dict(zip(left, needed <= twin.capacity))
        told = _tell(method, known, list(left.values()), estimate, judged, share)
        found |= {n: one for n, one in zip(left, told, strict=True) if fits[n]}
        left = {number: taken for number, taken in left.items() if not fits[number]}
        longer = twin.capacity
        while longer < max(needed[: len(told)], default=0):
            longer *= 2
        if left and longer > _MOST_GROWTH * known.twin.capacity:
            nearer = {n: failed(t.name, Outcome.TOO_NEAR) for n, t in left.items()}
            return found | nearer
        twin = dataclasses.replace(twin, capacity=longer)
    return found


def _tell(
    method: Method,
    known: Prepared,
    taken: list[Taken],
    estimate: PoseEstimate,
    judged: Judged,
    seconds: dict[str, float],
) -> list[Inspection]:
    inside = orthonormal(np.asarray(estimate.camera_from_world))
    scores, maps = np.asarray(judged.scores), np.asarray(judged.maps)
    levels = np.asarray(judged.levels)
    level_names: tuple[str, ...] = ()
    if method.level_maps:
        assert isinstance(method.compare, ComparesByLevel)
        level_names = method.compare.level_names(known.states.compare)
    if known.nearness is not None:
        cost = known.nearness.factor(inside).astype(scores.dtype)
        scores, maps = scores / cost, maps / cost[:, None, None]
        levels = levels / cost[:, None, None, None]
    threshold, verdicts = None, None
    if known.calibration is not None:
        threshold = method.calibrate.threshold(known.calibration)
    if threshold is not None:
        verdicts = method.calibrate(known.calibration, jnp.asarray(scores))
    poses = known.world.camera_to_user(inside)
    covariances = known.world.covariance_to_user(np.asarray(estimate.covariance))
    found = []
    for row, one in enumerate(taken):
        outcome = Outcome(int(estimate.outcome[row]))
        agreement = float(judged.agreement[row])
        detail = ""
        if known.quality is not None and outcome in PLACED:
            outcome, detail = judgeable(outcome, agreement, one.plain, known.quality)
        reason = why_no_verdict(outcome, float(scores[row]), threshold, detail)
        defective, p_value = None, None
        if verdicts is not None and not reason:
            defective = bool(verdicts.defective[row])
            p_value = float(verdicts.p_values[row])
        found.append(
            Inspection(
                name=one.name,
                outcome=outcome,
                reason=reason,
                score=float(scores[row]),
                agreement=agreement,
                beside=float(judged.beside[row]),
                hidden=float(judged.hidden[row]),
                defective=defective,
                p_value=p_value,
                camera_from_world=poses[row],
                covariance=covariances[row],
                loss=float(estimate.loss[row]),
                steps=int(estimate.steps[row]),
                anomaly_map=maps[row],
                level_maps=dict(zip(level_names, levels[row], strict=True)),
                render=np.asarray(judged.expected[row]),
                stage_seconds=seconds,
            )
        )
    return found
