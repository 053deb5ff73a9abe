"""How sharp a fit is after how long: decibels over seconds, presets side by side.

    python -m experiments.bench.fit --data_dir=OBJECTS --seconds=15,30,60

fits every object with every preset, once for each time limit and once without one, and
measures the PSNR of the views that the fit did not see, each in its own exposure. It
prints a row for each fit and writes a JSON and a Markdown table (`--out` with `.md`).
Programs are compiled in a first fit of which nothing is kept, so that seconds are those
of fitting. `--gate` ends with exit code 1 where a preset without a limit falls short of
`--least_psnr`.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.bench import peers
from jaxsplat import data, fitting, metrics
from jaxsplat.commands import flags
from jaxsplat.data.splits import hold_out
from jaxsplat.data.views import ObjectSet, View, over_background
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.fitting import FitResult
from jaxsplat.methods.scene_fit import twin_of
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.rendering.twin import Twin
from jaxsplat.report import files
from jaxsplat.report.tables import Column, cell
from jaxsplat.report.versions import versions
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.foreground import cut_out, find_foreground
from jaxsplat.study.render_quality import seen_as

_HELD_OUT = 20
_COLUMNS = (
    Column("limit s", ("limit",), 0),
    Column("fit s", ("seconds",), 1),
    Column("compile s", ("compile_seconds",), 1),
    Column("PSNR dB", ("psnr",), 2),
    Column("Gaussians", ("gaussians",), 0),
)


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to fit; all by default")
    presets: tuple[str, ...] = flags.option(("fast", "best"), "of the fits")
    seconds: tuple[int, ...] = flags.option((15, 30, 60), "time limits")
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    seed: int = flags.option(0, "of everything random", lower=0)
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )
    out: str = flags.option("runs/bench/fit.json", "where the numbers go")
    least_psnr: float = flags.option(36.0, "that the gate asks of the mean, in dB")
    gate: bool = flags.option(False, "exit with 1 where it is missed")

    def __post_init__(self) -> None:
        for name in self.presets:
            fitting.preset(name, 1.0, 1)
        if any(limit < 1 for limit in self.seconds):
            raise ConfigError("seconds: expected limits of 1 or more")


def main(config: Config) -> int:
    """Prints a row for each fit and writes the tables; see the module."""
    paths = data.resolve_categories(
        config.data_dir or data.sample_dir(), config.categories
    )
    rows: list[dict[str, Any]] = []
    head = ["object", "preset", *(column.header for column in _COLUMNS)]
    lines = [_line(head), _line(["---"] * len(head))]
    print("\n".join(lines))
    for path in paths:
        objects = data.load_object(path, size=config.size)
        for row in _rows(objects, config):
            rows.append(row)
            values = [cell(row, column) for column in _COLUMNS]
            lines.append(_line([row["object"], row["preset"], *values]))
            print(lines[-1], flush=True)
    gate = _gate(rows, config.least_psnr)
    record = {
        "rows": rows,
        "gate": gate,
        "peers": {name: peers.missing(name) for name in ("gsplat", "splax")},
        "backend": resolve_backend(config.backend),
        "config": dataclasses.asdict(config),
        "versions": versions(),
    }
    out = pathlib.Path(config.out)
    files.write_json(out, record)
    files.write_text(out.with_suffix(".md"), "\n".join(lines) + "\n")
    return 1 if config.gate and not all(each["met"] for each in gate.values()) else 0


def _line(values: Sequence[str]) -> str:
    return f"| {' | '.join(values)} |"


def _rows(objects: ObjectSet, config: Config) -> Any:
    """Yields the row of each fit of an object.

    Raises:
        DataError: nothing tells where the object is.
    """
    found = find_foreground(objects.train)
    if found.coverage is None:
        raise DataError(f"{objects.root}: {'; '.join(found.notes)}")
    fitted, unseen = hold_out(cut_out(objects.train, found), _HELD_OUT)
    covered = float(np.mean([v.alpha.sum() for v in fitted if v.alpha is not None]))
    for name in config.presets:
        settings = fitting.preset(name, covered, len(fitted))

        def fit(limit: float | None) -> FitResult:
            return fitting.fit(
                fitted,
                objects.background,
                settings,
                seed=config.seed,
                backend=config.backend,
                seconds=limit,
            )

        fit(1.0)  # compiles
        for limit in (*map(float, config.seconds), None):
            result = fit(limit)
            twin = twin_of(result, fitted, objects, config.backend)
            yield {
                "object": objects.name,
                "preset": name,
                "limit": limit,
                "seconds": round(result.seconds, 2),
                "compile_seconds": round(result.compile_seconds, 2),
                "psnr": round(_psnr(twin, unseen), 3),
                "gaussians": scene.count(twin.gaussians),
            }


def _psnr(twin: Twin, views: Sequence[View]) -> float:
    """Returns the mean PSNR of posed views in their own exposures, in dB."""
    values = []
    for view in views:
        photograph = over_background(view, np.asarray(twin.background))
        assert view.camera is not None
        shown, _ = seen_as(twin, view.camera, jnp.asarray(photograph), jnp.array(True))
        values.append(metrics.psnr(np.asarray(shown), photograph))
    return float(np.mean(values))


def _gate(
    rows: Sequence[Mapping[str, Any]], least: float
) -> dict[str, dict[str, float | bool]]:
    """Returns the mean PSNR of each preset without limit, and whether it is enough."""
    means: dict[str, dict[str, float | bool]] = {}
    for name in dict.fromkeys(row["preset"] for row in rows):
        values = [
            row["psnr"]
            for row in rows
            if row["preset"] == name and row["limit"] is None
        ]
        mean = float(np.mean(values))
        means[name] = {"psnr": round(mean, 3), "least": least, "met": mean >= least}
    return means


if __name__ == "__main__":
    flags.run(main, Config)
