"""Detection with fewer training views: `python -m experiments.sparse_views`.

Evaluates as `experiments.mad` does with shares of the training views, drawn at random
for each seed, and leaves SplatPose's table 5 beside the published figures: JSON,
Markdown and, with matplotlib, a figure. Goes on where it was stopped.
"""

import dataclasses

from jaxsplat import report
from jaxsplat.commands import flags
from jaxsplat.commands.evaluating import EvaluationConfig, sweep_of, tell
from jaxsplat.commands.executing import ExecutorConfig
from jaxsplat.methods.registry import MethodName
from jaxsplat.study import paper_tables, sweeps
from jaxsplat.study.sweeps import Setting


@dataclasses.dataclass(frozen=True)
class Config(EvaluationConfig, ExecutorConfig):
    """Settings of the sweep; each is a flag."""

    out: str = flags.option("runs/sparse_views", "folder for the results", free=True)
    method: MethodName = flags.option("best", "detector: best, or one as published")
    shares: tuple[int, ...] = flags.option(
        (20, 40, 60, 80, 100),
        "of the training views, in per cent",
        lower=1,
        upper=100,
        free=True,
    )
    seeds: int = flags.option(
        1, "draws, each with a seed of its own from --seed on", lower=1, free=True
    )


def main(config: Config) -> int:
    """Evaluates with every share, and returns the exit code."""
    common = sweep_of("sparse_views", config)
    shares = {f"views_{share}": share for share in config.shares}
    settings = [
        Setting(
            name,
            tuple(
                dataclasses.replace(one, train_share=share / 100)
                for one in config.evaluations_of(config.method, config.seeds)
            ),
            {"train_share": share / 100},
        )
        for name, share in shares.items()
    ]
    with report.Progress() as progress:
        found = sweeps.sweep(config.paths, settings, common, progress, config.executor)
        table = paper_tables.sparse_views(found, shares, config.method)
        return tell(table, found, common, progress)
