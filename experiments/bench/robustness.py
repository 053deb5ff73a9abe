"""What is left of poses and detection when photographs are degraded.

`python -m experiments.bench.robustness --data_dir=OBJECT --kinds=clean,noise_3,...`
degrades the object's folder by each kind in turn, in a folder of its own that is
removed afterwards, evaluates it as `experiments.mad` does, and writes a JSON and a
Markdown table (`--out` with `.md`). A kind that leaves the training views alone is
asked of the clean set's detector, whose PSNR it shows too: that of its own photographs
would measure their new surroundings. A kind that fails is a row with its reason.
"""

import collections
import dataclasses
import pathlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from jaxsplat import report
from jaxsplat.commands import endings, flags
from jaxsplat.data.views import GOOD
from jaxsplat.errors import ConfigError
from jaxsplat.fleet import memory
from jaxsplat.fleet.tasks import FAILURES
from jaxsplat.methods import Preset, find_method
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import files
from jaxsplat.report.tables import Column, cell
from jaxsplat.report.versions import versions
from jaxsplat.study import degraded_sets, evaluation, kinds
from jaxsplat.study.degraded_sets import Recipe
from jaxsplat.study.evaluation import Evaluation
from jaxsplat.study.kinds import Degradation

CLEAN = "clean"
_DETECTOR = ("object.json", "detector.json", "scene.ply", "arrays.safetensors")
_VERDICTS = {None: "none", False: "good", True: "defective"}
_COLUMNS = (
    Column("PSNR dB", ("psnr",), 2),
    Column("pose ok %", ("pose", "success_rate"), 1, 100.0),
    Column("rot. deg", ("pose", "rotation_deg_median"), 3),
    Column("transl. %", ("pose", "translation_rel_median"), 3, 100.0),
    Column("image AUROC", ("image_auroc",), 3),
    Column("to clean", ("image_auroc_to_clean",), 3),
    Column("query s", ("seconds_per_query",), 2),
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    data_dir: str = flags.option(dataclasses.MISSING, "the object's folder")
    kinds: tuple[str, ...] = flags.option(
        (CLEAN, *kinds.KINDS), "rows; several at once are joined by +"
    )
    out: str = flags.option("runs/bench/robustness.json", "where the numbers go")
    preset: Preset = flags.option("fast", "of the fit")
    method: str = flags.option("best", "detector")
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
    photographs: tuple[str, ...] = flags.option(
        (), "images, or folders of them, that clutter shows pieces of"
    )
    runs: str = flags.option(
        "", "folder that keeps the runs, and from which the clean one goes on"
    )

    def __post_init__(self) -> None:
        for row in self.kinds:
            if row != CLEAN:
                kinds.find_kinds(row.split("+"))


def main(config: Config) -> int:
    """Prints a row for each kind and writes the tables; see the module."""
    rows: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    print("\n".join(_lines({}, {})))
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        for row, recipe in _recipes(config).items():
            try:
                rows[row] = _row(config, row, recipe, scratch, rows.get(CLEAN))
                line = _lines({row: rows[row]}, {})[-1]
            except (*FAILURES, ConfigError) as error:
                failed[row] = " ".join(str(error).split())
                line = _lines({}, {row: failed[row]})[-1]
            memory.release()
            print(line, flush=True)
    out = pathlib.Path(config.out)
    record = {
        "rows": rows,
        "failed": failed,
        "config": dataclasses.asdict(config),
        "versions": versions(),
    }
    files.write_json(out, record)
    table = "\n".join(_lines(rows, failed)) + "\n"
    files.write_text(out.with_suffix(".md"), table)
    return endings.FINISHED_WITH_FAILURES if failed else 0


def _recipes(config: Config) -> dict[str, Recipe]:
    """Returns what is done for each row; the clean one is first where it is needed."""
    photographs = degraded_sets.read_photographs(config.photographs)
    found = {
        row: Recipe(
            () if row == CLEAN else tuple(row.split("+")),
            seed=config.seed,
            photographs=photographs,
        )
        for row in config.kinds
    }
    if any(_is_query_only(recipe) for recipe in found.values()):
        found = {CLEAN: Recipe(()), **found}
    return found


def _is_query_only(recipe: Recipe) -> bool:
    return bool(recipe.names) and recipe.change("train") == Degradation()


def _row(
    config: Config,
    row: str,
    recipe: Recipe,
    scratch: pathlib.Path,
    clean: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Returns the numbers of one kind.

    Args:
        config: of the benchmark.
        row: the kinds' name.
        recipe: what is done to the photographs.
        scratch: folder for what may go afterwards.
        clean: numbers of the clean set, None where there are none.
    """
    runs = pathlib.Path(config.runs) if config.runs else scratch / "runs"
    source = pathlib.Path(config.data_dir)
    made = scratch / "sets" / row / source.resolve().name
    if recipe.names:
        made.parent.mkdir(parents=True)
        degraded_sets.write(source, made, recipe)
        source = made
    settings = Evaluation(
        method=find_method(config.method, config.preset),
        preset=config.preset,
        seed=config.seed,
        size=config.size,
        max_queries=config.max_queries,
        backend=config.backend,
    )
    bound = {
        key: getattr(config, key)
        for key in ("preset", "method", "seed", "size", "max_queries", "backend")
    }
    bound |= {"data": source.resolve().name, "kinds": row}
    with (
        report.RunFolder(runs / row, bound, resume=True) as run,
        report.Progress() as progress,
    ):
        folder = run.category(source.resolve().name)
        if _is_query_only(recipe):
            _take_over(runs / CLEAN / folder.path.name, folder.path)
        progress.begin(row, 1, 1)
        found = evaluation.evaluate(source, settings, folder, progress)
        results = [*folder.results.values()]
    shutil.rmtree(made, ignore_errors=True)
    numbers = {
        "psnr": found.psnr,
        "pose": found.pose and dataclasses.asdict(found.pose),
        "image_auroc": found.image_auroc,
        "image_auroc_to_clean": None,
        "pixel_ap": found.pixel_ap,
        "seconds_per_query": found.seconds.per_query.total,
        "fit_seconds": found.seconds.fit,
        "queries": found.queries,
        **_counts(results),
    }
    if clean is not None:
        if _is_query_only(recipe):
            numbers["psnr"] = clean["psnr"]
        if None not in (found.image_auroc, clean["image_auroc"]):
            numbers["image_auroc_to_clean"] = found.image_auroc - clean["image_auroc"]
    return numbers


def _take_over(clean: pathlib.Path, folder: pathlib.Path) -> None:
    """Copies the clean set's detector, which the same training views would give."""
    for name in _DETECTOR:
        if not (clean / name).exists():
            raise ConfigError(f"{clean}: holds no {name}: the clean row failed")
        shutil.copyfile(clean / name, folder / name)


def _counts(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Returns how often each verdict was given to good and defective photographs."""
    told: dict[str, int] = collections.Counter()
    for one in results:
        truth = GOOD if one["defect_type"] == GOOD else "defective"
        told[f"{truth}: {_VERDICTS[one['defective']]}"] += 1
    outcomes = collections.Counter(str(one["outcome"]) for one in results)
    return {"verdicts": dict(told), "outcomes": dict(outcomes)}


def _lines(
    rows: Mapping[str, Mapping[str, Any]], failed: Mapping[str, str]
) -> list[str]:
    """Returns a Markdown table, a line for each kind.

    Verdicts are written `good/defective/none`, of good and of defective photographs.
    """
    heads = ["kind", *(column.header for column in _COLUMNS)]
    heads += ["good: g/d/none", "defective: g/d/none", "outcomes"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for name, record in rows.items():
        cells = [name, *(cell(record, column) for column in _COLUMNS)]
        for truth in (GOOD, "defective"):
            verdicts = record["verdicts"]
            counts = (
                verdicts.get(f"{truth}: {v}", 0) for v in ("good", "defective", "none")
            )
            cells.append("/".join(map(str, counts)))
        outcomes = sorted(record["outcomes"].items())
        cells.append(", ".join(f"{name} {count}" for name, count in outcomes))
        lines.append(f"| {' | '.join(cells)} |")
    for name, reason in failed.items():
        lines.append(
            f"| {name} | failed: {reason.replace('|', '/')} |" + " |" * (len(heads) - 2)
        )
    return lines


if __name__ == "__main__":
    flags.run(main, Config)
