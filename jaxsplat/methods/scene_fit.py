"""From posed views of a good object to its twin, and which views that takes."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from jaxsplat import fitting
from jaxsplat.data.splits import hold_out
from jaxsplat.data.views import ObjectSet, View, posed_cameras
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.fitting import FitConfig, FitProgress, FitResult, hidden_parts
from jaxsplat.methods.method import Preset
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.twin import Twin, make_twin
from jaxsplat.scene import ply
from jaxsplat.scene.foreground import cut_out, find_foreground
from jaxsplat.scene.found import Foreground

# Of the views that the fit did not see, those that may tell it when to end, and that
# the comparison may learn from: the others alone set the threshold, since what was
# chosen by a view is better on it.
TRIED = slice(2, None, 5)
# Silhouettes that agree less are of no one object at the poses given.
_LEAST_CONFIDENCE = 0.6
# Of the time that a fit may take, what the one before it may, where there is one.
_BEFORE = 0.25

# Called with training views and where the object was found in them.
OnForeground = Callable[[Sequence[View], Foreground], None]


@dataclasses.dataclass(frozen=True)
class FitSettings:
    """Settings of a detector beside its method; see `Detector`."""

    preset: Preset = "best"
    fit_config: FitConfig | None = None
    seed: int = 0
    backend: Backend | None = None
    calibration_views: int = 20
    fit_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.fit_seconds is not None and not self.fit_seconds > 0:
            raise ConfigError(
                f"fit_seconds: found {self.fit_seconds}, expected a number above 0"
            )
        if self.calibration_views < 0:
            raise ConfigError(
                f"calibration_views: found {self.calibration_views}, expected 0 or more"
            )


@dataclasses.dataclass(frozen=True)
class DividedViews:
    """The training views of an object, as the fit and what follows it use them.

    Attributes:
        fitted: with the object cut out.
        seen: these as they were taken.
        unseen: others, with the object cut out, that the fit does not see.
        held_out: these as they were taken.
        foreground: where the object is in all of them.
    """

    fitted: tuple[View, ...]
    seen: tuple[View, ...]
    unseen: tuple[View, ...]
    held_out: tuple[View, ...]
    foreground: Foreground


def fit_scene(
    settings: FitSettings,
    objects: ObjectSet,
    watch: Callable[[FitProgress], None] | None,
    on_foreground: OnForeground | None,
    checkpoint: pathlib.Path | None,
) -> tuple[DividedViews, FitResult]:
    """Returns the views, and the scene that was fitted to some of them.

    Where silhouettes contradict one another, since a part of the object has the
    background's colour, a fit to the colours goes before and completes them.

    Args:
        settings: of the fit.
        objects: the object; its test views are not looked at.
        watch: called now and then with the progress, of the fit before as well.
        on_foreground: called with where the object is in the training views, before the
            fit to it, and before they are refused.
        checkpoint: folder that takes one for each fit. The fit before is kept there to
            the end of all: taken anew in other time, it could find other silhouettes,
            to which no checkpoint of what follows belongs. None saves nothing.

    Raises:
        DataError: nothing tells where the object is.
    """
    foreground = find_foreground(objects.train)
    if not _is_sound(foreground) and foreground.coverage is not None:
        if on_foreground is not None:
            on_foreground(objects.train, foreground)
    views = _divided(objects, settings.calibration_views, foreground)
    config, seconds = _config(settings, views), settings.fit_seconds
    before: FitResult | None = None
    if _lacks_parts(views, config):
        before = fitting.fit(
            views.fitted,
            objects.background,
            hidden_parts.by_colors(config),
            seed=settings.seed,
            backend=settings.backend,
            watch=None if watch is None else _before(watch),
            checkpoint=_checkpoint(checkpoint, "hidden_parts"),
            keep_end=True,
            seconds=None if seconds is None else _BEFORE * seconds,
        )
        seconds = None if seconds is None else (1 - _BEFORE) * seconds
        twin = twin_of(before, views.fitted, objects, settings.backend)
        views = _completed(objects, views, twin)
        config = _config(settings, views)
    if on_foreground is not None:
        on_foreground(objects.train, views.foreground)
    result = fitting.fit(
        views.fitted,
        objects.background,
        config,
        seed=settings.seed,
        backend=settings.backend,
        watch=watch,
        checkpoint=_checkpoint(checkpoint, "fit"),
        seconds=seconds,
        unseen=views.unseen[TRIED],
    )
    if before is not None:
        result = dataclasses.replace(
            result,
            seconds=result.seconds + before.seconds,
            compile_seconds=result.compile_seconds + before.compile_seconds,
        )
    return views, result


def _before(watch: Callable[[FitProgress], None]) -> Callable[[FitProgress], None]:
    """Returns what tells that the progress is that of the fit before."""
    return lambda at: watch(dataclasses.replace(at, phase="hidden parts"))


def _checkpoint(folder: pathlib.Path | None, name: str) -> fitting.Checkpoint | None:
    """Returns where a fit is saved: apart from the other, which it would warn of."""
    return None if folder is None else fitting.Checkpoint(folder / name)


def divide_again(
    settings: FitSettings, objects: ObjectSet, held_out: int, twin: Twin
) -> DividedViews:
    """Returns the views as a twin was fitted to them.

    Args:
        settings: of the fit.
        objects: what it was fitted to.
        held_out: views that it did not see.
        twin: what was fitted.

    Raises:
        DataError: nothing tells where the object is.
    """
    views = _divided(objects, held_out, find_foreground(objects.train))
    if _lacks_parts(views, _config(settings, views)):
        return _completed(objects, views, twin)
    return views


def twin_of(
    result: FitResult,
    views: Sequence[View],
    objects: ObjectSet,
    backend: Backend | None,
) -> Twin:
    """Returns the twin of an object whose scene was fitted to the views."""
    return make_twin(
        # As it will come back from a file, so that loading changes nothing.
        ply.stored(result.gaussians),
        posed_cameras(views),
        center=result.center,
        background=objects.background,
        camera=objects.intrinsics,
        backend=backend,
    )


def _config(settings: FitSettings, views: DividedViews) -> FitConfig:
    """Returns the settings of the fit, which follow the object's size and views."""
    if settings.fit_config is not None:
        return settings.fit_config
    alphas = [view.alpha for view in (*views.fitted, *views.unseen)]
    covered = np.mean([alpha.sum() for alpha in alphas if alpha is not None])
    return fitting.preset(settings.preset, float(covered), len(views.fitted))


def _is_sound(foreground: Foreground) -> bool:
    return (
        foreground.coverage is not None and foreground.confidence >= _LEAST_CONFIDENCE
    )


def _lacks_parts(views: DividedViews, config: FitConfig) -> bool:
    return views.foreground.has_hidden_parts and hidden_parts.are_sought(config)


def _divided(
    objects: ObjectSet, calibration_views: int, foreground: Foreground
) -> DividedViews:
    """Returns the views; `DataError` where nothing tells where the object is."""
    if not _is_sound(foreground):
        raise DataError(f"{objects.root}: {'; '.join(foreground.notes)}")
    cut = cut_out(objects.train, foreground)
    fitted, unseen = hold_out(cut, calibration_views)
    seen, held_out = hold_out(objects.train, calibration_views)
    return DividedViews(fitted, seen, unseen, held_out, foreground)


def _completed(objects: ObjectSet, views: DividedViews, twin: Twin) -> DividedViews:
    """Returns the views with the parts that silhouettes lack, as a twin shows them."""
    foreground = views.foreground
    assert foreground.coverage is not None
    coverage = hidden_parts.with_hidden_parts(twin, objects.train, foreground.coverage)
    lacking = 1 - float(foreground.coverage.sum() / max(coverage.sum(), 1e-6))
    note = (
        f"{100 * lacking:.1f} % of the object has the background's colour; what it "
        "hides tells where it is"
    )
    foreground = dataclasses.replace(
        foreground, coverage=coverage, notes=(*foreground.notes, note)
    )
    return _divided(objects, len(views.held_out), foreground)
