"""One category evaluated: fit or load the detector, inspect, measure, show.

Photographs go through `Detector.inspect`, as in deployment; what follows here only
keeps, measures and shows what that finds.
"""

import dataclasses
import pathlib
import shutil
from collections.abc import Callable, Sequence

from jaxsplat import data, learning, report
from jaxsplat.data.splits import choose_queries, take_share
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.fitting import FitProgress
from jaxsplat.methods import Detector, Method, Preset
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import foreground
from jaxsplat.scene.found import Foreground
from jaxsplat.study import findings, measuring, section


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation.

    Attributes:
        method: how photographs are inspected.
        preset: of the fit.
        seed: of everything random.
        size: longer image side in pixels; the files' own when None.
        max_queries: inspect at most this many, evenly from every test type.
        backend: of the renderer; the best that runs here when None.
        train_share: share of the training views that there are, drawn by `seed`; of
            two shares and one seed, the lesser one's views are among the greater one's.
        parts: rule that tells by their names which queries show one part; the object's
            own file when None. See `data.group_parts`.
        fit_seconds: that the fit may take; None for no limit.
    """

    method: Method
    preset: Preset = "best"
    seed: int = 0
    size: int | None = None
    max_queries: int | None = None
    backend: Backend | None = None
    train_share: float = 1.0
    parts: str | None = None
    fit_seconds: float | None = None


def evaluate(
    path: pathlib.Path,
    settings: Evaluation,
    folder: report.CategoryFolder,
    progress: report.Progress,
    fits: report.CategoryFolder | None = None,
) -> report.CategoryMetrics:
    """Returns a category's numbers, going on where an earlier run stopped.

    All else (detector, maps, poses, its part of the page) is left in the folder, and no
    image stays in memory.

    Args:
        path: the category's data.
        settings: of the evaluation.
        folder: takes the results.
        progress: is told how far it is.
        fits: holds or takes a detector of the category whose twin serves here, so that
            several methods need one fit; None fits one for this evaluation.

    Raises:
        DataError: the category's files are not what they should be.
        NumericsError: the fit left the finite numbers.
    """
    objects = _opened(path, settings, (folder, fits), progress)
    views = choose_queries(objects.test, settings.max_queries)
    changed = folder.forget_changed({view.name: view.digest for view in views})
    if changed:
        files = "1 file" if changed == 1 else f"{changed} files"
        progress.note(f"{objects.name}: {files} changed since; done again")
    names = [view.name for view in views]
    parts = data.group_parts(path, names, settings.parts)
    detector = _find_detector(objects, settings, folder, progress, fits)
    for remark in section.remarks(detector):
        progress.note(f"{objects.name}: {remark}")
    _inspect(detector, views, folder, progress)
    return measuring.measure(path, objects, views, detector, folder, parts)


def prepare_fit(
    path: pathlib.Path,
    settings: Evaluation,
    fits: report.CategoryFolder,
    progress: report.Progress,
) -> None:
    """Fits a category whose twin serves several evaluations, unless it is fitted.

    Args:
        path: the category's data.
        settings: of the evaluation.
        fits: takes the detector; see `evaluate`.
        progress: is told how far it is.

    Raises:
        DataError: the category's files are not what they should be.
        NumericsError: the fit left the finite numbers.
    """
    objects = _opened(path, settings, (fits,), progress)
    if not fits.detector_path.exists():
        fit_or_load(objects, settings, fits, progress)


def _opened(
    path: pathlib.Path,
    settings: Evaluation,
    folders: Sequence[report.CategoryFolder | None],
    progress: report.Progress,
) -> ObjectSet:
    """Returns the category with the views to fit, to which it binds the folders."""
    objects = data.load_object(path, size=settings.size)
    for warning in objects.warnings:
        progress.note(f"{objects.name}: {warning}")
    train = take_share(objects.train, settings.train_share, settings.seed)
    objects = dataclasses.replace(objects, train=train)
    for one in folders:
        if one is not None and one.begin_object(objects.train_digest):
            progress.note(
                f"{objects.name}: the training views changed since; done again"
            )
    return objects


def _find_detector(
    objects: ObjectSet,
    settings: Evaluation,
    folder: report.CategoryFolder,
    progress: report.Progress,
    fits: report.CategoryFolder | None,
) -> Detector:
    """Returns the category's detector, of a twin that is fitted elsewhere if it is."""
    if fits is None or folder.detector_path.exists():
        return fit_or_load(objects, settings, folder, progress)
    fitted = fit_or_load(objects, settings, fits, progress)
    with learning.keeping(folder.checkpoint_path):
        detector = fitted.with_method(settings.method, objects)
    detector.save(folder.path)
    folder.remove_checkpoint()
    if fits.foreground_path.exists():
        shutil.copyfile(fits.foreground_path, folder.foreground_path)
    return detector


def fit_or_load(
    objects: ObjectSet,
    settings: Evaluation,
    folder: report.CategoryFolder,
    progress: report.Progress,
    calibration_views: int | None = None,
) -> Detector:
    """Returns the category's detector, fitting it unless the folder holds it already.

    Args:
        objects: the category.
        settings: of the evaluation.
        folder: takes the detector.
        progress: is told how far the fit is.
        calibration_views: good views that are kept apart; as many as `Detector` keeps
            when None.
    """
    if folder.detector_path.exists():
        return Detector.load(folder.path, backend=settings.backend)

    def show(views: Sequence[View], found: Foreground) -> None:
        foreground.write(folder.foreground_path, foreground.show(views, found))

    kept = {} if calibration_views is None else {"calibration_views": calibration_views}
    detector = Detector.fit(
        objects,
        settings.method,
        preset=settings.preset,
        fit_seconds=settings.fit_seconds,
        seed=settings.seed,
        backend=settings.backend,
        watch=told_to(progress),
        on_foreground=show,
        checkpoint=folder.checkpoint_path,
        **kept,
    )
    detector.save(folder.path)
    folder.remove_checkpoint()
    return detector


def told_to(progress: report.Progress) -> Callable[[FitProgress], None]:
    """Returns what a fit may call with where it stands, to be shown as a line."""

    def watch(state: FitProgress) -> None:
        numbers = {"psnr": state.psnr, "gaussians": state.gaussians}
        progress.update(state.phase, state.step, state.steps, **numbers)

    return watch


def _inspect(
    detector: Detector,
    views: Sequence[View],
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> None:
    """Inspects every query that the folder does not hold yet."""
    todo = [view for view in views if view.name not in folder.results]
    if todo:
        progress.update("compile", 0, 1)
        detector.compile()
    step = detector.method.together
    for first in range(0, len(todo), step):
        progress.update("inspect", first, len(todo))
        batch = todo[first : first + step]
        for view, found in zip(batch, detector.inspect(batch), strict=True):
            folder.append(view.name, *findings.stored(view, found), view.digest)
