"""Detection over steps of pose: `python -m experiments.steps`.

Fits each object once and inspects its queries with SplatPose's solver stopped after
different numbers of steps, 0 for the coarse pose as it is, and with `best`. Leaves
SplatPose's figure 3 and RPE-PAD's table 5 beside the published figures: JSON, Markdown
and, with matplotlib, a figure. Goes on where it was stopped.
"""

import dataclasses

from jaxsplat import report
from jaxsplat.commands import flags
from jaxsplat.commands.evaluating import EvaluationConfig, sweep_of, tell
from jaxsplat.commands.executing import ExecutorConfig
from jaxsplat.pose import AdamScrew
from jaxsplat.study import paper_tables, sweeps
from jaxsplat.study.evaluation import Evaluation
from jaxsplat.study.sweeps import Setting

_STARTS = 4  # of each photograph, of which the best alone is taken
_BEST, _COARSE = "best", "best_coarse_pose"


@dataclasses.dataclass(frozen=True)
class Config(EvaluationConfig, ExecutorConfig):
    """Settings of the sweep; each is a flag."""

    out: str = flags.option("runs/steps", "folder for the results", free=True)
    steps: tuple[int, ...] = flags.option(
        (0, *range(25, 301, 25)), "numbers of pose steps", lower=0, free=True
    )


def main(config: Config) -> int:
    """Evaluates with every number of steps, and returns the exit code."""
    splatpose, best = map(config.evaluation_of, ("splatpose", "best"))
    common = sweep_of("steps", config, fits=splatpose)
    numbers = {f"steps_{k}": k for k in config.steps}
    settings = [
        Setting(name, (_changed(splatpose, refine__steps=k),), {"pose_steps": k})
        for name, k in numbers.items()
    ]
    unrefined = AdamScrew(steps=0, keep=_STARTS)
    settings += [
        Setting(_BEST, (best,), {"method": "best"}),
        Setting(
            _COARSE,
            (_changed(best, refine=unrefined),),
            {"method": "best", "pose_steps": 0},
        ),
    ]
    with report.Progress() as progress:
        found = sweeps.sweep(config.paths, settings, common, progress, config.executor)
        table = paper_tables.steps(found, numbers, (_BEST, _COARSE))
        return tell(table, found, common, progress)


def _changed(evaluation: Evaluation, **params: object) -> Evaluation:
    method = evaluation.method.set_params(**params)
    return dataclasses.replace(evaluation, method=method)
