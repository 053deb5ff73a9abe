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

import numpy as np

from experiments.bench import gpu_estimate
from jaxsplat import data, methods, pose, report
from jaxsplat.commands import flags
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import ConfigError
from jaxsplat.methods.twin import Twin
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import files
from jaxsplat.study import (
    basin,
    degradations,
    figures,
    pose_errors,
    posing,
    scenes,
    splits,
)
from jaxsplat.study.category import CALIBRATION_VIEWS
from jaxsplat.study.posing import Posed

# A fifth nearer, and a fifth off the centre: half as many again, as for any query.
_MORE_PAIRS = 1.5
_FINDERS = {
    "coarse": ("lm", pose.find_starts),
    "silhouettes": ("lm_silhouettes", pose.find_starts_by_silhouette),
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to measure; all by default")
    out: str = flags.option("runs/pose", "folder for scenes and results", free=True)
    preset: methods.Preset = flags.option("fast", "of the fit")
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
    batches: tuple[str, ...] = flags.option(
        ("1", "8"), "numbers of queries that are timed together", free=True
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
    estimate: bool = flags.option(
        False, "whether to estimate a GPU's time from counted operations", free=True
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default", free=True
    )
    resume: bool = flags.option(True, "keep the scenes that are there", free=True)

    def __post_init__(self) -> None:
        wrong = [text for text in self.batches if not (text.isdigit() and int(text))]
        if wrong:
            raise ConfigError(f"batches: found {wrong[0]!r}, expected 1 or more")


def main(config: Config) -> None:
    """Measures every category."""
    if config.figures:
        figures.canvas(1, 1)
    paths = data.resolve_categories(
        config.data_dir or data.sample_dir(), config.categories
    )
    # Scenes are kept; they depend on preset, seed, size and what is held out.
    free = flags.free_fields(Config) | {"data_dir", "categories"}
    results: dict[str, Any] = {}
    with (
        report.RunFolder(
            config.out, dataclasses.asdict(config), resume=config.resume, free=free
        ) as run,
        report.Progress() as progress,
    ):
        for path in paths:
            objects = data.load_object(path, size=config.size)
            folder = run.category(objects.name)
            results[objects.name] = _measure(path, objects, config, folder, progress)
        target = pathlib.Path(config.out) / "pose.json"
        record = {
            "versions": run.versions,
            "config": run.config,
            "categories": results,
            "published": pose_errors.PUBLISHED,
        }
        files.write_json(target, record)
        progress.clear()
        errors = {name: found["errors"] for name, found in results.items()}
        progress.say(pose_errors.table(errors))
        progress.say(pose_errors.published_table(errors))
        for name, found in results.items():
            for batch, seconds in found["seconds_per_query"].items():
                progress.say(f"{name}: {seconds:.3f} s a query in batches of {batch}")
            if config.estimate:
                total = found["gpu_estimate_ms"]["sum"]
                progress.say(f"{name}: {total:.2f} ms a query on an H200, ESTIMATED")
        progress.say(f"results: {target}")


def _measure(
    path: pathlib.Path,
    objects: ObjectSet,
    config: Config,
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> dict[str, Any]:
    fitted_views, asked = _split(objects, config)
    fitted = scenes.fit_or_read(fitted_views, objects, config, folder, progress)
    twin = scenes.make_twin(fitted, fitted_views, objects, config.backend)
    views = splits.choose_queries(asked, config.max_queries)
    plain = posing.of_views(path, views, twin)
    progress.note(f"{objects.name}: solvers")
    found: dict[str, Any] = {"errors": _solved(twin, plain, fitted.center, config)}
    if config.disturb:
        progress.note(f"{objects.name}: disturbances")
        found["errors"] |= _disturbed(twin, plain, fitted.center, config)
    progress.note(f"{objects.name}: batches")
    found["seconds_per_query"] = _batches(twin, plain, config.batches)
    if config.estimate:
        starts = posing.coarse(twin, plain)
        found["gpu_estimate_ms"] = gpu_estimate.milliseconds_per_query(
            twin, plain, starts
        )
    if config.basin:
        progress.note(f"{objects.name}: start errors")
        some = plain.taken(np.arange(config.basin) % len(views))
        found["basin"] = basin.measure(twin, some, fitted.center, config.seed)
        if config.figures:
            basin.draw(found["basin"], objects.name, folder.path / "basin.png")
    return found


def _split(
    objects: ObjectSet, config: Config
) -> tuple[tuple[View, ...], tuple[View, ...]]:
    """Returns the views to fit, and those whose poses are asked for."""
    if not config.holdout:
        fitted, _ = splits.hold_out(objects.train, CALIBRATION_VIEWS)
        return fitted, objects.test
    order = np.random.default_rng(config.seed).permutation(len(objects.train))
    held = set(order[: max(1, round(config.holdout * len(order)))].tolist())
    numbered = list(enumerate(objects.train))
    return (
        tuple(view for index, view in numbered if index not in held),
        tuple(view for index, view in numbered if index in held),
    )


def _solved(
    twin: Twin, posed: Posed, center: np.ndarray, config: Config
) -> dict[str, dict[str, float]]:
    """Returns the errors of starts, of `lm` from them, of `adam_screw` from the first.

    Starts are named by what finds them, `lm` by its starts.
    """
    rows, all_starts = {}, {}
    for name, (solved, find) in _FINDERS.items():
        search = functools.partial(posing.coarse, twin, posed, find)
        search()
        starts, seconds = posing.timed(search)
        rows[name] = pose_errors.row(starts[:, 0], posed, center, seconds)
        refine = functools.partial(posing.refined, twin, posed, starts)
        refine()
        found, seconds = posing.timed(refine)
        rows[solved] = pose_errors.row(found, posed, center, seconds)
        all_starts[name] = starts
    if config.adam_steps:
        posing.refined_by_adam(twin, posed, all_starts["coarse"], 0, config.seed)
        found, seconds = posing.timed(
            lambda: posing.refined_by_adam(
                twin, posed, all_starts["coarse"], config.adam_steps, config.seed
            )
        )
        rows["adam_screw"] = pose_errors.row(found, posed, center, seconds)
    return rows


def _disturbed(
    twin: Twin, plain: Posed, center: np.ndarray, config: Config
) -> dict[str, dict[str, float]]:
    rows = {}
    capacity = int(_MORE_PAIRS * twin.capacity)
    for kind, change in degradations.CHANGES.items():
        background = np.asarray(twin.background)
        posed = posing.disturbed(plain, change, background, config.seed)
        starts = posing.coarse(twin, posed)
        found = posing.refined(twin, posed, starts, capacity)
        rows[kind] = pose_errors.row(found, posed, center)
    return rows


def _batches(twin: Twin, plain: Posed, batches: Sequence[str]) -> dict[str, float]:
    """Returns seconds a query: coarse, refined and rendered."""
    seconds = {}
    for batch in batches:
        posed = plain.taken(np.arange(int(batch)) % len(plain.photos))
        posing.twins(twin, posed)
        _, taken = posing.timed(functools.partial(posing.twins, twin, posed))
        seconds[batch] = taken / int(batch)
    return seconds


if __name__ == "__main__":
    flags.run(main, Config)
