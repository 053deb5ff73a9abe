"""Inspects objects seen from unknown poses: `python -m experiments.mad`.

For each category: fits Gaussians to the posed photographs of the good object, finds the
pose of every query, renders the good twin, compares features, and leaves scores, maps,
metrics and a report in a run folder. Without flags it inspects the bundled sample.
"""

import dataclasses
import pathlib
from typing import Literal

from jaxsplat import data, methods, report
from jaxsplat.commands import flags
from jaxsplat.rendering.backends import Backend
from jaxsplat.study import category


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to inspect; all by default")
    out: str = flags.option("runs/mad", "folder for the results", free=True)
    method: methods.Method = flags.option(
        "best", "detector: best, or splatpose as published"
    )
    preset: methods.Preset = flags.option(
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
    network: Literal["efficientnet_lite0", "efficientnet_b4"] = flags.option(
        "efficientnet_lite0", "what images are compared by"
    )
    network_file: str | None = flags.option(
        None, "safetensors file with the network's weights; needed by efficientnet_b4"
    )
    resume: bool = flags.option(True, "go on with an unfinished run", free=True)


def main(config: Config) -> None:
    """Inspects every category and writes the run folder."""
    data_dir = config.data_dir or data.sample_dir()
    paths = data.resolve_categories(data_dir, config.categories)
    settings = dataclasses.asdict(config)
    free = flags.free_fields(Config)
    with (
        report.RunFolder(config.out, settings, resume=config.resume, free=free) as run,
        report.Progress() as progress,
    ):
        for warning in run.warnings:
            progress.note(warning)
        results = {}
        for number, path in enumerate(paths, start=1):
            progress.begin(path.name, number, len(paths))
            folder = run.category(path.name)
            results[path.name] = category.inspect(path, config, folder, progress)
        record = report.metrics_record(
            {name: result.metrics for name, result in results.items()},
            run.config,
            run.versions,
        )
        run.write_metrics(record)
        parts = tuple(category.report_part(result) for result in results.values())
        page = report.page(report.RunReport("jaxsplat inspection", record, parts))
        written = run.write_report(page)
        progress.clear()
        progress.say(report.text_table(record))
        progress.say(f"report: {pathlib.Path(written)}")


if __name__ == "__main__":
    flags.run(main, Config)
