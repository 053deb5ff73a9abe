"""Categories evaluated by several settings: a task for each, a run folder a setting."""

import dataclasses
import pathlib
from collections.abc import Sequence

from jaxsplat import fleet, report
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.fleet import Ended, Executor, Task
from jaxsplat.report.summary import Record
from jaxsplat.study import evaluation
from jaxsplat.study.evaluation import Evaluation

# A task that Ray takes for lost may still be ending elsewhere.
_LOCK_SECONDS = 60.0


@dataclasses.dataclass(frozen=True)
class Run:
    """Every category evaluated by the same settings, into one run folder.

    Attributes:
        folder: takes the results, `metrics.json` and the page.
        settings: of the evaluation.
        title: of the page.
        prefix: of the names of its tasks.
    """

    folder: report.RunFolder
    settings: Evaluation
    title: str = "jaxsplat inspection"
    prefix: str = ""


def evaluate_all(
    paths: Sequence[pathlib.Path],
    runs: Sequence[Run],
    progress: report.Progress,
    executor: Executor,
    fits: report.RunFolder | None = None,
) -> list[Record]:
    """Returns the numbers of all runs, going on where earlier ones stopped.

    Args:
        paths: the categories' data.
        runs: what is evaluated.
        progress: is told how far it is.
        executor: does the tasks.
        fits: holds or takes a detector of each category, whose twin serves all runs;
            the first one's settings fit it. None where each run has fits of its own.

    Returns:
        The content of `metrics.json` of each run; see `report.metrics_record`.
    """
    for run in runs:
        for warning in run.folder.warnings:
            progress.note(warning)
    tasks = [] if fits is None else _fits(paths, runs[0].settings, fits)
    after = {path.name: (task.name,) for path, task in zip(paths, tasks)}
    names = {}
    for number, run in enumerate(runs):
        for path in paths:
            name = path.name
            places = [None if x is None else x.place(name) for x in (run.folder, fits)]
            task = Task(
                run.prefix + name,
                _evaluate,
                (path, run.settings, *places),
                after.get(name, ()),
            )
            tasks.append(task)
            names[task.name] = (number, name)
    found: list[dict[str, Ended]] = [{} for _ in runs]
    records: list[Record] = [{} for _ in runs]

    def keep(task: Task, ended: Ended) -> None:
        if task.name not in names:
            return
        number, name = names[task.name]
        found[number][name] = ended
        if len(found[number]) == len(paths):
            ordered = {path.name: found[number][path.name] for path in paths}
            records[number] = _record(runs[number], ordered)

    fleet.run(tasks, executor, progress, keep)
    return records


def _fits(
    paths: Sequence[pathlib.Path], settings: Evaluation, fits: report.RunFolder
) -> list[Task]:
    """Returns the tasks that fit what all runs share, one for each category."""
    return [
        Task(f"fit/{path.name}", _fit, (path, settings, fits.place(path.name)))
        for path in paths
    ]


def _record(run: Run, ended: dict[str, Ended]) -> Record:
    """Returns the numbers of a run of which all tasks have ended, and writes them."""
    finished = {name: x.value for name, x in ended.items() if not x.failed}
    failed = {name: x.failed for name, x in ended.items() if x.failed}
    folder = run.folder
    record = report.metrics_record(finished, folder.config, folder.versions, failed)
    folder.write_metrics(record)
    folder.write_report(run.title, record)
    return record


def _fit(
    progress: report.Progress,
    path: pathlib.Path,
    settings: Evaluation,
    place: report.Place,
) -> None:
    """Fits a category whose twin serves several evaluations."""
    with locked(place):
        evaluation.prepare_fit(path, settings, place.open(), progress)


def _evaluate(
    progress: report.Progress,
    path: pathlib.Path,
    settings: Evaluation,
    place: report.Place,
    fits: report.Place | None,
) -> report.CategoryMetrics:
    """Evaluates a category."""
    shared = None if fits is None else fits.open()
    with locked(place):
        return evaluation.evaluate(path, settings, place.open(), progress, shared)


def locked(place: report.Place) -> report.Lock:
    """Returns the lock on a category's folder.

    Raises:
        DataError: another task holds it, which concerns no other category.
    """
    try:
        return place.lock(_LOCK_SECONDS)
    except ConfigError as error:
        raise DataError(str(error)) from error
