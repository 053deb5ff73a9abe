"""Benchmark of poses: `python -m experiments.pose`.

For each category, with the scene that `experiments.mad` left in its run folder (or a
fit, which is kept): coarse starts and both solvers from the same starts, errors and
seconds; the same photographs disturbed; whole queries (coarse, refined, rendered) in
batches; and how far a start may be off. `--holdout=0.2` fits four fifths of the
training views and asks for the others, as SplatPose's Table 4 does. Writes `pose.json`,
figures if asked for, and prints tables. Seconds are without compilation.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxsplat import data, fleet, report
from jaxsplat.commands import endings, flags
from jaxsplat.commands.executing import ExecutorConfig
from jaxsplat.data.splits import choose_queries
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.fleet import Task
from jaxsplat.methods import Preset, find_method
from jaxsplat.pose import AdamScrew, Gallery, Refine, SilhouetteStarts, Starts
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.twin import Twin
from jaxsplat.report import files
from jaxsplat.study import (
    basin,
    degradations,
    figures,
    pose_errors,
    posing,
    published,
    runs,
)
from jaxsplat.study.evaluation import Evaluation, fit_or_load
from jaxsplat.study.posing import Posed

# A fifth nearer, and a fifth off the centre: half as many again, as for any query.
_MORE_PAIRS = 1.5
# Finders, and what `lm` from their starts is called.
_FINDERS: dict[str, tuple[str, Starts]] = {
    "coarse": ("lm", posing.FINDER),
    "silhouettes": ("lm_silhouettes", SilhouetteStarts(k=4)),
}


@dataclasses.dataclass(frozen=True)
class Config(ExecutorConfig):
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to measure; all by default")
    out: str = flags.option("runs/pose", "folder for scenes and results", free=True)
    preset: Preset = flags.option("best", flags.PRESET_HELP)
    seed: int = flags.option(0, "of everything random", lower=0)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    holdout: float = flags.option(
        0.0,
        "share of training views to ask for instead of test views",
        lower=0,
        upper=0.9,
    )
    max_queries: int | None = flags.option(
        16, "measure at most this many, evenly from every test type", lower=1, free=True
    )
    adam_steps: int = flags.option(
        175, "of adam_screw, 0 leaves it out", lower=0, free=True
    )
    disturb: bool = flags.option(
        True, "whether to disturb the photographs too", free=True
    )
    batches: tuple[int, ...] = flags.option(
        (1, 8), "numbers of queries that are timed together", lower=1, free=True
    )
    basin: int = flags.option(
        0,
        "queries for each pair of start errors, 0 leaves them out",
        lower=0,
        free=True,
    )
    figures: bool = flags.option(
        False, "whether to draw figures (matplotlib)", free=True
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default", free=True
    )
    resume: bool = flags.option(True, "keep the scenes that are there", free=True)


def main(config: Config) -> int:
    """Measures every category, and returns the exit code."""
    if config.figures:
        figures.canvas(1.0, 1.0)
    paths = data.resolve_categories(
        config.data_dir or data.sample_dir(), config.categories
    )
    # Scenes are kept; they depend on preset, seed, size and what is held out.
    free = flags.free_fields(Config) | {"data_dir", "categories"}
    with (
        report.RunFolder(
            config.out, dataclasses.asdict(config), resume=config.resume, free=free
        ) as run,
        report.Progress() as progress,
    ):
        tasks = [
            Task(path.name, _task, (path, config, run.place(path.name)))
            for path in paths
        ]
        ended = fleet.run(tasks, config.executor, progress)
        results = {name: x.value for name, x in ended.items() if not x.failed}
        failed = {name: x.failed for name, x in ended.items() if x.failed}
        target = pathlib.Path(config.out) / "pose.json"
        record = {
            "versions": run.versions,
            "config": run.config,
            "categories": results,
            "published": published.POSE_ERRORS,
        }
        if failed:
            record["failed"] = failed
        files.write_json(target, record)
        progress.clear()
        errors = {name: found["errors"] for name, found in results.items()}
        progress.say(pose_errors.table(errors))
        progress.say(pose_errors.published_table(errors))
        for name, found in results.items():
            for batch, seconds in found["seconds_per_query"].items():
                progress.say(f"{name}: {seconds:.3f} s a query in batches of {batch}")
        for name, reason in failed.items():
            progress.say(f"{name}: failed: {reason}")
        progress.say(f"results: {target}")
    return endings.FINISHED_WITH_FAILURES if failed else 0


def _task(
    progress: report.Progress, path: pathlib.Path, config: Config, place: report.Place
) -> dict[str, Any]:
    """Measures one category."""
    objects = data.load_object(path, size=config.size)
    with runs.locked(place):
        return _measure(path, objects, config, place.open(), progress)


def _measure(
    path: pathlib.Path,
    objects: ObjectSet,
    config: Config,
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> dict[str, Any]:
    fitted, asked = _split(objects, config)
    digest = f"{objects.train_digest} {config.holdout}"
    if folder.begin_object(digest):
        progress.note(f"{objects.name}: the training views changed since; fitted again")
    settings = Evaluation(
        find_method("best"), config.preset, config.seed, backend=config.backend
    )
    kept = 0 if config.holdout else None
    detector = fit_or_load(fitted, settings, folder, progress, kept)
    twin, center = detector.twin, np.asarray(detector.twin.center)
    assert detector.fitted is not None
    seen = [view for view in fitted.train if view.name in detector.fitted.views]
    gallery = posing.FINDER.prepare(twin, seen, jax.random.key(config.seed))
    views = choose_queries(asked, config.max_queries)
    plain = posing.of_views(path, views, twin, detector.world)
    progress.note(f"{objects.name}: solvers")
    found: dict[str, Any] = {"errors": _solved(twin, gallery, plain, seen, config)}
    if config.disturb:
        progress.note(f"{objects.name}: disturbances")
        found["errors"] |= _disturbed(twin, gallery, plain, config)
    progress.note(f"{objects.name}: batches")
    found["seconds_per_query"] = _batches(twin, gallery, plain, config.batches)
    if config.basin:
        progress.note(f"{objects.name}: start errors")
        some = plain.taken(np.arange(config.basin) % len(views))
        found["basin"] = basin.measure(twin, some, center, config.seed)
        if config.figures:
            basin.draw(found["basin"], objects.name, folder.path / "basin.png")
    return found


def _split(objects: ObjectSet, config: Config) -> tuple[ObjectSet, tuple[View, ...]]:
    """Returns the object to fit, and the views whose poses are asked for."""
    if not config.holdout:
        return objects, objects.test
    order = np.random.default_rng(config.seed).permutation(len(objects.train))
    held = set(order[: max(1, round(config.holdout * len(order)))].tolist())
    numbered = list(enumerate(objects.train))
    fitted = tuple(view for index, view in numbered if index not in held)
    asked = tuple(view for index, view in numbered if index in held)
    return dataclasses.replace(objects, train=fitted), asked


def _solved(
    twin: Twin, gallery: Gallery, posed: Posed, seen: Sequence[View], config: Config
) -> dict[str, dict[str, float]]:
    """Returns the errors of starts, of `lm` from them, of `adam_screw` from the first.

    Starts are named by what finds them, `lm` by its starts.
    """
    center = np.asarray(twin.center)
    rows, all_starts = {}, {}
    for name, (solved, finder) in _FINDERS.items():
        search = functools.partial(posing.found_starts, twin, finder, gallery, posed)
        search()
        starts, seconds = posing.timed(search)
        rows[name] = pose_errors.row(starts[:, 0], posed, center, seconds)
        rows[solved] = _timed_row(twin, posing.SOLVER, (), posed, starts)
        all_starts[name] = starts
    if config.adam_steps:
        solver = AdamScrew(steps=config.adam_steps)
        state = solver.prepare(twin, seen, jax.random.key(config.seed))
        first = AdamScrew(steps=0)
        posing.refined(twin, first, state, posed, all_starts["coarse"])
        rows["adam_screw"] = _timed_row(
            twin, solver, state, posed, all_starts["coarse"], is_compiled=True
        )
    return rows


def _timed_row(
    twin: Twin,
    solver: Refine,
    state: Any,
    posed: Posed,
    starts: jax.Array,
    is_compiled: bool = False,
) -> dict[str, float]:
    refine = functools.partial(posing.refined, twin, solver, state, posed, starts)
    if not is_compiled:
        refine()
    found, seconds = posing.timed(refine)
    center = np.asarray(twin.center)
    return pose_errors.row(found.camera_from_world, posed, center, seconds)


def _disturbed(
    twin: Twin, gallery: Gallery, plain: Posed, config: Config
) -> dict[str, dict[str, float]]:
    rows = {}
    background, center = np.asarray(twin.background), np.asarray(twin.center)
    roomy = dataclasses.replace(twin, capacity=int(_MORE_PAIRS * twin.capacity))
    for kind, change in degradations.CHANGES.items():
        posed = posing.disturbed(plain, change, background, config.seed)
        starts = posing.found_starts(twin, posing.FINDER, gallery, posed)
        found = posing.refined(roomy, posing.SOLVER, (), posed, starts)
        rows[kind] = pose_errors.row(found.camera_from_world, posed, center)
    return rows


def _batches(
    twin: Twin, gallery: Gallery, plain: Posed, batches: Sequence[int]
) -> dict[str, float]:
    """Returns seconds a query: coarse, refined and rendered."""
    seconds = {}
    for batch in batches:
        posed = plain.taken(np.arange(batch) % len(plain.photos))
        query = functools.partial(posing.whole, twin, gallery, posed)
        query()
        _, taken = posing.timed(query)
        seconds[str(batch)] = taken / batch
    return seconds
