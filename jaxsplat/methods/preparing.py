"""From posed views of a good object to all that inspection needs."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np

from jaxsplat import learning
from jaxsplat.data.splits import evenly
from jaxsplat.data.views import ObjectSet, View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.fitting import FitProgress
from jaxsplat.methods import inspecting, quality
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.methods.inspection import Inspection
from jaxsplat.methods.method import Method
from jaxsplat.methods.programs import States
from jaxsplat.methods.scene_fit import (
    TRIED,
    DividedViews,
    FitSettings,
    OnForeground,
    divide_again,
    fit_scene,
    twin_of,
)
from jaxsplat.methods.storage import storable
from jaxsplat.rendering.twin import Twin
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.foreground import told
from jaxsplat.scores import nearness

# Views that the fit saw, of which scores tell a spread where few others do.
_MOST_SEEN = 8
# Likewise where many do, beside which these tell what it costs not to be seen.
_SEEN_BESIDE = 24


@storable
@dataclasses.dataclass(frozen=True)
class Fitted:
    """What the fit of a detector took and gave.

    Attributes:
        seconds: of the fit, without compilation.
        prepare_seconds: of what the parts prepare, with its compilation.
        compile_seconds: of compilation, of the fit and of the inspection.
        psnr: of the training views in the last steps, in dB.
        gaussians: live Gaussians of the scene.
        views: names of the training views that were fitted.
        calibrated_on: names of the good views that set the threshold.
        held_out: good views that the fit did not see.
        foreground: what told where the object is in the training views, and what was
            odd about that, a sentence each.
    """

    seconds: float
    prepare_seconds: float
    compile_seconds: float
    psnr: float
    gaussians: int
    views: tuple[str, ...]
    calibrated_on: tuple[str, ...]
    held_out: tuple[str, ...]
    foreground: tuple[str, ...] = ()


def fit(
    method: Method,
    settings: FitSettings,
    objects: ObjectSet,
    watch: Callable[[FitProgress], None] | None,
    on_foreground: OnForeground | None,
    checkpoint: pathlib.Path | None,
) -> tuple[Prepared, Fitted]:
    """Returns what inspection needs, and what it took; see `Detector.fit`."""
    views, result = fit_scene(settings, objects, watch, on_foreground, checkpoint)
    begin = time.monotonic()
    twin = twin_of(result, views.fitted, objects, settings.backend)
    with learning.keeping(checkpoint and checkpoint / "networks"):
        known, spent, compiled = _prepare(method, settings, objects, views, twin, begin)
    known, calibrated_on = _calibrate(method, known, views)
    return known, Fitted(
        seconds=result.seconds,
        prepare_seconds=spent,
        compile_seconds=result.compile_seconds + compiled,
        psnr=float(result.psnr),
        gaussians=scene.count(twin.gaussians),
        views=tuple(view.name for view in views.fitted),
        calibrated_on=calibrated_on,
        held_out=tuple(view.name for view in views.held_out),
        foreground=told(views.foreground),
    )


def prepare_again(
    method: Method,
    settings: FitSettings,
    objects: ObjectSet,
    twin: Twin,
    fitted: Fitted,
) -> tuple[Prepared, Fitted]:
    """Returns what another method needs of a twin that is fitted already.

    Raises:
        ConfigError: the twin was fitted to other views.
    """
    views = divide_again(settings, objects, len(fitted.held_out), twin)
    if tuple(view.name for view in views.fitted) != fitted.views:
        raise ConfigError(f"{objects.name}: the detector was fitted to other views")
    known, spent, compiled = _prepare(
        method, settings, objects, views, twin, time.monotonic()
    )
    known, calibrated_on = _calibrate(method, known, views)
    return known, dataclasses.replace(
        fitted,
        prepare_seconds=spent,
        compile_seconds=compiled,
        calibrated_on=calibrated_on,
    )


def _prepare(
    method: Method,
    settings: FitSettings,
    objects: ObjectSet,
    views: DividedViews,
    twin: Twin,
    begin: float,
) -> tuple[Prepared, float, float]:
    """Returns the detector without calibration, and seconds since `begin` and of
    compilation.
    """
    key = jax.random.key(settings.seed)
    states = States(
        starts=method.starts.prepare(twin, views.fitted, key),
        refine=method.refine.prepare(twin, views.fitted, key),
        compare=method.compare.prepare(twin, views.fitted, views.unseen[TRIED], key),
    )
    if method.second_starts is not None:
        second = method.second_starts.prepare(twin, views.fitted, key)
        states = dataclasses.replace(states, second_starts=second)
    known = Prepared(
        twin,
        states,
        world=objects.world,
        lens=objects.lens,
        by_background=views.foreground.by_background,
    )
    spent = time.monotonic() - begin
    # Who calibrates nothing may want the twin alone: compiling takes a minute.
    compiled = 0.0
    if views.held_out:
        compiled = inspecting.prepare_programs(method, known, twin.camera)
    return known, spent, compiled


def _calibrate(
    method: Method, known: Prepared, views: DividedViews
) -> tuple[Prepared, tuple[str, ...]]:
    """Returns the detector with its calibration, and the views that set it.

    A view that was sought at a wrong pose says nothing about scores at right ones.
    """
    held_out = views.held_out
    inspected = inspecting.inspect(method, known, held_out)
    unseen = _scores(inspected, held_out)
    tried = {view.name for view in held_out[TRIED]}
    kept = [name for name in unseen if name not in tried]
    few = method.calibrate.are_few(len(kept))
    seen: dict[str, float] = {}
    if few or (method.by_nearness and kept):
        count = _MOST_SEEN if few else _SEEN_BESIDE
        looked_at = evenly(views.seen, count)
        seen = _scores(inspecting.inspect(method, known, looked_at), looked_at)
    if method.by_nearness and seen:
        known, unseen = _by_nearness(known, views, seen, unseen, few)
    measured = quality.measure(inspected, held_out, len(views.fitted), views.foreground)
    calibration = method.calibrate.prepare(
        np.array([unseen[name] for name in kept], np.float32),
        np.array(list(seen.values()) if few else [], np.float32),
    )
    known = dataclasses.replace(known, calibration=calibration, quality=measured)
    return known, tuple(kept)


def _by_nearness(
    known: Prepared,
    views: DividedViews,
    seen: dict[str, float],
    unseen: dict[str, float],
    few: bool,
) -> tuple[Prepared, dict[str, float]]:
    """Returns the detector that knows what distance costs, and scores less that.

    Where the views that the fit did not see are few, it is what distance usually costs.
    """
    found = [view for view in views.unseen if view.name in unseen]
    poses = np.asarray(posed_cameras(found).camera_from_world)
    scores = np.array([unseen[view.name] for view in found])
    center = np.asarray(known.twin.center)
    fitted = np.asarray(posed_cameras(views.fitted).camera_from_world)
    if few:
        near = nearness.usual(center, fitted)
    else:
        of_seen = np.array(list(seen.values()))
        near = nearness.learn(center, fitted, of_seen, poses, scores)
    less = scores / near.factor(poses)
    by_name = {view.name: float(s) for view, s in zip(found, less, strict=True)}
    return dataclasses.replace(known, nearness=near), by_name


def _scores(inspected: Sequence[Inspection], views: Sequence[View]) -> dict[str, float]:
    """Returns the scores of good views that were found at their poses, by name."""
    return {
        found.name: found.score
        for found, view in zip(inspected, views, strict=True)
        if np.isfinite(found.score) and quality.was_found(found, view)
    }
