"""Inspects objects seen from unknown poses: `python -m experiments.mad`.

For each category: fits Gaussians to the posed photographs of the good object, finds the
pose of every query, renders the good twin, compares features, and leaves scores, maps,
metrics and a report in a run folder. Without flags it inspects the bundled sample.
"""

import dataclasses
from typing import Any, Literal

import jax

from jaxsplat import data, report
from jaxsplat.commands import endings, flags
from jaxsplat.errors import DataError, NumericsError
from jaxsplat.features.registry import NetworkName
from jaxsplat.methods import Preset, find_method
from jaxsplat.rendering.backends import Backend
from jaxsplat.study import evaluation, memory
from jaxsplat.study.evaluation import Evaluation

# What ends one category and not the run: bad files, a fit that diverged, no memory.
FAILURES = (DataError, NumericsError, OSError, jax.errors.JaxRuntimeError)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to inspect; all by default")
    out: str = flags.option("runs/mad", "folder for the results", free=True)
    method: Literal["best", "splatpose"] = flags.option(
        "best", "detector: best, or splatpose as published"
    )
    preset: Preset = flags.option(
        "fast", "fast: minutes on a CPU; paper: the published settings"
    )
    seed: int = flags.option(0, "of everything random", lower=0)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    max_queries: int | None = flags.option(
        None, "inspect at most this many, evenly from every test type", lower=1
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )
    network: NetworkName = flags.option(
        "efficientnet_lite0", "what images are compared by"
    )
    network_file: str | None = flags.option(
        None, "safetensors file with the network's weights; needed by all but lite0"
    )
    resume: bool = flags.option(True, "go on with an unfinished run", free=True)


def main(config: Config) -> int:
    """Inspects every category, writes the run folder, and returns the exit code."""
    settings = _evaluation(config)
    data_dir = config.data_dir or data.sample_dir()
    paths = data.resolve_categories(data_dir, config.categories)
    free = flags.free_fields(Config)
    recorded = dataclasses.asdict(config)
    with (
        report.RunFolder(config.out, recorded, resume=config.resume, free=free) as run,
        report.Progress() as progress,
    ):
        for warning in run.warnings:
            progress.note(warning)
        finished: dict[str, report.CategoryMetrics] = {}
        failed: dict[str, str] = {}
        for number, path in enumerate(paths, start=1):
            if number > 1:
                memory.release()
            progress.begin(path.name, number, len(paths))
            try:
                folder = run.category(path.name)
                finished[path.name] = evaluation.evaluate(
                    path, settings, folder, progress
                )
            except FAILURES as error:
                failed[path.name] = " ".join(str(error).split())
                progress.note(f"{path.name}: failed: {failed[path.name]}")
        record = report.metrics_record(finished, run.config, run.versions, failed)
        run.write_metrics(record)
        written = run.write_report("jaxsplat inspection", record)
        progress.clear()
        progress.say(report.text_table(record))
        progress.say(f"report: {written}")
    return endings.FINISHED_WITH_FAILURES if failed else 0


def _evaluation(config: Config) -> Evaluation:
    method = find_method(config.method, config.preset)
    compare: Any = method.compare
    compare = dataclasses.replace(
        compare, network=config.network, network_file=config.network_file
    )
    return Evaluation(
        method=dataclasses.replace(method, compare=compare),
        preset=config.preset,
        seed=config.seed,
        size=config.size,
        max_queries=config.max_queries,
        backend=config.backend,
    )
