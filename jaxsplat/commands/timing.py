"""Where the time goes, by stage: `python -m experiments.timing`.

Fits each object once, prepares every method on its twin, and measures seconds of
training and of a photograph: coarse pose, refinement, rendering, detection, warm, one
photograph at a time and in batches. Leaves SplatPose's table 3 and RPE-PAD's table 4
beside the published figures: JSON, Markdown and, with matplotlib, a figure.
"""

import dataclasses
import pathlib
from typing import Any

from jaxsplat import data, report
from jaxsplat.commands import flags
from jaxsplat.commands.evaluating import EvaluationConfig, show
from jaxsplat.data.splits import choose_queries
from jaxsplat.report.summary import spread
from jaxsplat.study import evaluation, paper_tables, timing

_FIT = "best"


@dataclasses.dataclass(frozen=True)
class Config(EvaluationConfig):
    """Settings of the benchmark; each is a flag."""

    out: str = flags.option("runs/timing", "folder for the results", free=True)
    max_queries: int | None = flags.option(
        16, "measure with at most this many photographs", lower=1, free=True
    )
    methods: tuple[str, ...] = flags.option(
        ("best", "splatpose"), "detectors", free=True
    )
    batches: tuple[int, ...] = flags.option(
        (1, 8), "numbers of photographs that run together", lower=1, free=True
    )
    repeats: int = flags.option(
        3, "rounds, of which the median counts", lower=1, free=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.methods:
            self.evaluation_of(name)


def main(config: Config) -> None:
    """Measures every method on every object."""
    measured: dict[tuple[str, int], dict[str, Any]] = {}
    free = flags.free_fields(Config)
    with (
        report.RunFolder(
            config.out, dataclasses.asdict(config), resume=config.resume, free=free
        ) as run,
        report.Progress() as progress,
    ):
        for path in config.paths:
            objects = data.load_object(path, size=config.size)
            folder = run.category(path.name)
            folder.begin_object(objects.train_digest)
            fitted = evaluation.fit_or_load(
                objects, config.evaluation_of(_FIT), folder, progress
            )
            views = choose_queries(objects.test, config.max_queries)
            for name in config.methods:
                method = config.evaluation_of(name).method
                detector = fitted
                if method != fitted.method:
                    progress.note(f"{path.name}: {name} is prepared")
                    detector = fitted.with_method(method, objects)
                for batch in config.batches:
                    progress.note(f"{path.name}: {name}, {batch} at a time")
                    found = timing.measure(detector, views, batch, config.repeats)
                    measured.setdefault((name, batch), {})[path.name] = found
        spreads = {key: spread(list(some.values())) for key, some in measured.items()}
        table = paper_tables.timing(spreads, run.versions)
        about = {"config": run.config, "versions": run.versions}
        show(table, pathlib.Path(config.out), about, progress)
