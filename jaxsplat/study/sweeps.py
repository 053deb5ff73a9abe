"""One evaluation for each of several settings and seeds, side by side in one folder.

Each has a run folder of its own below the sweep's, so that a sweep goes on where it was
stopped, and a page of its own.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jaxsplat import report
from jaxsplat.errors import ConfigError
from jaxsplat.fleet import Executor
from jaxsplat.report import files
from jaxsplat.report.summary import Record, spread
from jaxsplat.study import runs
from jaxsplat.study.evaluation import Evaluation
from jaxsplat.study.runs import Run

_MARK = "sweep.json"
_FITS = "fits"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One point of a sweep.

    Attributes:
        name: of its folder and in tables.
        evaluations: one for each seed.
        changed: settings in which it differs from the sweep's, for the record.
    """

    name: str
    evaluations: tuple[Evaluation, ...]
    changed: Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What all points of a sweep have in common.

    Attributes:
        kind: what it is called.
        out: folder for all results.
        config: the effective settings, for the record.
        free: names of those that results do not depend on.
        resume: whether to go on with what is finished there.
        fits: the evaluation whose twins serve all points, so that each object is
            fitted once; None where every point has fits of its own.
    """

    kind: str
    out: pathlib.Path
    config: Mapping[str, object]
    free: Collection[str]
    resume: bool
    fits: Evaluation | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a sweep gives.

    Attributes:
        records: by the setting's name, the contents of `metrics.json` of each seed.
        versions: see `report.versions`.
    """

    records: Mapping[str, tuple[Record, ...]]
    versions: Mapping[str, object]

    @property
    def failed(self) -> bool:
        """Whether an object has no numbers somewhere."""
        return any("failed" in one for some in self.records.values() for one in some)

    def spread(self, name: str) -> dict[str, Any]:
        """Returns mean, deviation and values over the seeds of a setting.

        Returns:
            `categories` and `mean`; see `report.summary.spread`. The deviation of the
            mean is that of the seeds' means.
        """
        records = [
            {"categories": one["categories"], "mean": one["mean"]}
            for one in self.records[name]
        ]
        return spread(records)


def sweep(
    paths: Sequence[pathlib.Path],
    settings: Sequence[Setting],
    common: Sweep,
    progress: report.Progress,
    executor: Executor,
) -> Outcome:
    """Returns the numbers of all settings, going on where an earlier sweep stopped.

    Args:
        paths: the categories' data.
        settings: the points.
        common: what they have in common.
        progress: is told how far it is.
        executor: does each category of each evaluation, as a task.

    Raises:
        ConfigError: the folder holds something else.
    """
    _claim(common)
    planned: list[Run] = []
    with contextlib.ExitStack() as stack:
        fits = None
        if common.fits is not None:
            fits = stack.enter_context(_folder(common, _FITS, common.fits, {}))
        for setting in settings:
            for evaluation in setting.evaluations:
                name = setting.name
                if len(setting.evaluations) > 1:
                    name = f"{name}/seed_{evaluation.seed}"
                folder = _folder(common, name, evaluation, setting.changed)
                run = Run(
                    stack.enter_context(folder),
                    evaluation,
                    f"{common.kind}: {name}",
                    f"{name}/",
                )
                planned.append(run)
        left = iter(runs.evaluate_all(paths, planned, progress, executor, fits))
    records = {
        setting.name: tuple(next(left) for _ in setting.evaluations)
        for setting in settings
    }
    return Outcome(records, planned[-1].folder.versions)


def _claim(common: Sweep) -> None:
    """Takes the folder, unless it holds something that no sweep of this kind left."""
    mark = common.out / _MARK
    if common.out.is_dir():
        others = sorted(x.name for x in common.out.iterdir() if x.name[0] != ".")
        if others and not mark.exists():
            raise ConfigError(
                f"{common.out}: holds {others[0]!r} and no results of several runs "
                f"({_MARK} is missing); choose a new or empty folder with --out"
            )
        if mark.exists() and files.read_json(mark) != {"kind": common.kind}:
            raise ConfigError(
                f"{common.out}: holds results of another command; choose another "
                "folder with --out"
            )
    elif common.out.exists():
        raise ConfigError(f"{common.out}: is a file; --out expects a folder")
    common.out.mkdir(parents=True, exist_ok=True)
    files.write_json(mark, {"kind": common.kind})


def _folder(
    common: Sweep, name: str, evaluation: Evaluation, changed: Mapping[str, object]
) -> report.RunFolder:
    config = {**common.config, **changed, "seed": evaluation.seed}
    return report.RunFolder(
        common.out / name, config, resume=common.resume, free=common.free
    )
