"""Every category evaluated by the same settings, into one run folder."""

import pathlib
from collections.abc import Sequence

import jax

from jaxsplat import report
from jaxsplat.errors import DataError, NumericsError
from jaxsplat.report.summary import Record
from jaxsplat.study import evaluation, memory
from jaxsplat.study.evaluation import Evaluation

# What ends one category and not the run: bad files, a fit that diverged, no memory.
FAILURES = (DataError, NumericsError, OSError, jax.errors.JaxRuntimeError)


def evaluate_all(
    paths: Sequence[pathlib.Path],
    settings: Evaluation,
    run: report.RunFolder,
    progress: report.Progress,
    title: str = "jaxsplat inspection",
    fits: report.RunFolder | None = None,
) -> Record:
    """Returns the numbers of all categories, going on where an earlier run stopped.

    Args:
        paths: the categories' data.
        settings: of the evaluation.
        run: takes the results, `metrics.json` and the page.
        progress: is told how far it is.
        title: of the page.
        fits: holds or takes detectors whose twins serve here; see `evaluation`.

    Returns:
        The content of `metrics.json`; see `report.metrics_record`.
    """
    for warning in run.warnings:
        progress.note(warning)
    finished: dict[str, report.CategoryMetrics] = {}
    failed: dict[str, str] = {}
    for number, path in enumerate(paths, start=1):
        if number > 1:
            memory.release()
        progress.begin(path.name, number, len(paths))
        try:
            finished[path.name] = evaluation.evaluate(
                path,
                settings,
                run.category(path.name),
                progress,
                None if fits is None else fits.category(path.name),
            )
        except FAILURES as error:
            failed[path.name] = " ".join(str(error).split())
            progress.note(f"{path.name}: failed: {failed[path.name]}")
    record = report.metrics_record(finished, run.config, run.versions, failed)
    run.write_metrics(record)
    run.write_report(title, record)
    return record
