"""The flags of commands that evaluate detection, and what they describe."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from jaxsplat import data, report
from jaxsplat.commands import endings, flags, method_settings
from jaxsplat.data.parts import compile_rule
from jaxsplat.errors import ConfigError
from jaxsplat.features.registry import NetworkName
from jaxsplat.methods import Method, Preset, find_method
from jaxsplat.rendering.backends import Backend
from jaxsplat.study import paper_table
from jaxsplat.study.evaluation import Evaluation
from jaxsplat.study.paper_table import PaperTable
from jaxsplat.study.sweeps import Outcome, Sweep

_NETWORK: NetworkName = "efficientnet_lite0"


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """Settings that all evaluations have; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to inspect; all by default")
    out: str = flags.option("runs/mad", "folder for the results", free=True)
    preset: Preset = flags.option("best", flags.PRESET_HELP)
    fit_seconds: float | None = flags.option(None, flags.FIT_SECONDS_HELP, lower=1.0)
    seed: int = flags.option(0, "of everything random", lower=0)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    max_queries: int | None = flags.option(
        None, "inspect at most this many, evenly from every test type", lower=1
    )
    parts: str | None = flags.option(
        None,
        "regular expression whose group names the part that a photograph shows; the "
        "object's parts.json by default",
        free=True,
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )
    network: NetworkName = flags.option(_NETWORK, "what images are compared by")
    network_file: str | None = flags.option(
        None, "safetensors file with the network's weights; needed by all but lite0"
    )
    settings: tuple[str, ...] = flags.option(
        (), "other settings of the method and its parts, as refine__steps=100"
    )
    level_maps: bool = flags.option(
        False, "heat maps of every level of the comparison too, on the page"
    )
    resume: bool = flags.option(True, "go on with an unfinished run", free=True)

    def __post_init__(self) -> None:
        if self.parts is not None:
            compile_rule(self.parts)

    @property
    def paths(self) -> tuple[pathlib.Path, ...]:
        """The folders of the objects."""
        return data.resolve_categories(
            self.data_dir or data.sample_dir(), self.categories
        )

    def evaluation_of(self, name: str) -> Evaluation:
        """Returns the evaluation of a method that the settings describe."""
        method = self._with_network(find_method(name, self.preset))
        method = method_settings.changed(method, self.settings)
        return Evaluation(
            method=dataclasses.replace(method, level_maps=self.level_maps),
            preset=self.preset,
            fit_seconds=self.fit_seconds,
            seed=self.seed,
            size=self.size,
            max_queries=self.max_queries,
            backend=self.backend,
            parts=self.parts,
        )

    def _with_network(self, method: Method) -> Method:
        """Returns the method that compares by the network that was asked for.

        Raises:
            ConfigError: the method trains its own.
        """
        compare: Any = method.compare
        asked = {"network": self.network, "network_file": self.network_file}
        if "network" in {field.name for field in dataclasses.fields(compare)}:
            compare = dataclasses.replace(compare, **asked)
        elif asked != {"network": _NETWORK, "network_file": None}:
            raise ConfigError(f"network: {method.name} trains its own, expected none")
        return dataclasses.replace(method, compare=compare)

    def evaluations_of(self, name: str, seeds: int) -> tuple[Evaluation, ...]:
        """Returns one evaluation of a method for each seed from `seed` on."""
        one = self.evaluation_of(name)
        return tuple(
            dataclasses.replace(one, seed=self.seed + number) for number in range(seeds)
        )


def sweep_of(
    kind: str, config: EvaluationConfig, fits: Evaluation | None = None
) -> Sweep:
    """Returns what the points of a sweep have in common; see `Sweep`."""
    return Sweep(
        kind,
        pathlib.Path(config.out),
        dataclasses.asdict(config),
        flags.free_fields(type(config)),
        config.resume,
        fits,
    )


def tell(
    table: PaperTable, found: Outcome, common: Sweep, progress: report.Progress
) -> int:
    """Writes and prints what a sweep gave, and returns the exit code."""
    about = {"config": common.config, "versions": found.versions}
    show(table, common.out, about, progress)
    return endings.FINISHED_WITH_FAILURES if found.failed else 0


def show(
    table: PaperTable,
    folder: pathlib.Path,
    about: Mapping[str, object],
    progress: report.Progress,
) -> None:
    """Writes and prints a table; see `paper_table.write`."""
    written, why_no_figure = paper_table.write(table, folder, about)
    progress.clear()
    progress.say(table.text)
    if why_no_figure:
        progress.say(f"no figure: {why_no_figure}")
    for path in written:
        progress.say(f"results: {path}")
