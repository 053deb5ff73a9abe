"""Inspects objects seen from unknown poses: `python -m experiments.mad`.

For each category: fits Gaussians to the posed photographs of the good object, finds the
pose of every query, renders the good twin, compares features, and leaves scores, maps,
metrics and a report in a run folder. Without flags it inspects the bundled sample.

`--seeds=5` does so five times and leaves means and deviations, as SplatPose's tables 1
and 2 have them, beside the published figures.

`--method=best,splatpose,igspad` inspects with several detectors, all of which look at
the same fit of each object, and leaves one table of them.
"""

import dataclasses

from jaxsplat import report
from jaxsplat.commands import endings, flags
from jaxsplat.commands.evaluating import EvaluationConfig, sweep_of, tell
from jaxsplat.commands.executing import ExecutorConfig
from jaxsplat.errors import ConfigError
from jaxsplat.methods import METHODS
from jaxsplat.report import files
from jaxsplat.report.summary import mean_of_runs
from jaxsplat.study import methods_table, paper_tables, runs, sweeps
from jaxsplat.study.sweeps import Setting

_ALL = "seeds"


@dataclasses.dataclass(frozen=True)
class Config(EvaluationConfig, ExecutorConfig):
    """Settings of a run; each is a flag."""

    method: tuple[str, ...] = flags.option(
        ("best",),
        "best, or published detectors: " + ", ".join(x for x in METHODS if x != "best"),
    )
    seeds: int = flags.option(
        1, "runs, each with a seed of its own from --seed on", lower=1, free=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.method:
            raise ConfigError("method: found none, expected one or more")
        for name in self.method:
            self.evaluation_of(name)


def main(config: Config) -> int:
    """Inspects every category, writes the run folder, and returns the exit code."""
    if len(config.method) > 1:
        return _side_by_side(config)
    (method,) = config.method
    if config.seeds > 1:
        return _several(config, method)
    evaluation, paths = config.evaluation_of(method), config.paths
    free = flags.free_fields(Config)
    recorded = dataclasses.asdict(config)
    with (
        report.RunFolder(config.out, recorded, resume=config.resume, free=free) as run,
        report.Progress() as progress,
    ):
        planned = [runs.Run(run, evaluation)]
        (record,) = runs.evaluate_all(paths, planned, progress, config.executor)
        progress.clear()
        progress.say(report.text_table(record))
        progress.say(f"report: {run.path / 'report.html'}")
    return endings.FINISHED_WITH_FAILURES if "failed" in record else 0


def _side_by_side(config: Config) -> int:
    """Evaluates with every method, and writes one table."""
    # A fit serves all methods; with several seeds each has fits of its own.
    fits = config.evaluation_of(config.method[0]) if config.seeds == 1 else None
    common = sweep_of("mad --method", config, fits=fits)
    settings = [
        Setting(name, config.evaluations_of(name, config.seeds), {"method": name})
        for name in config.method
    ]
    with report.Progress() as progress:
        found = sweeps.sweep(config.paths, settings, common, progress, config.executor)
        table = methods_table.methods(found, config.method)
        return tell(table, found, common, progress)


def _several(config: Config, method: str) -> int:
    """Evaluates with every seed, and writes means and deviations."""
    common = sweep_of("mad --seeds", config)
    setting = Setting(_ALL, config.evaluations_of(method, config.seeds), {})
    with report.Progress() as progress:
        found = sweeps.sweep(config.paths, [setting], common, progress, config.executor)
        record = mean_of_runs(found.records[_ALL], common.config)
        files.write_json(common.out / "metrics.json", record)
        table = paper_tables.seeds(found.spread(_ALL), method)
        return tell(table, found, common, progress)
