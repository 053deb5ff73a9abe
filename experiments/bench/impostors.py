"""Whether a detector says so when it cannot know.

`python -m experiments.bench.impostors --detector=FOLDER --data_dir=OBJECT
--objects=OTHER,...` shows a detector photographs that do not show its object, and
counts verdicts: none may be good, and at most 2 of 60 may get one at all. Then it makes
unfit data sets of the object (wrong poses, five views, no object, blur, black), says
what the fit says, and counts the verdicts on their test views, of which there may be
none. Exit code 3 where a bar is missed.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from jaxsplat import data
from jaxsplat.commands import endings, flags
from jaxsplat.data.splits import choose_queries
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import ConfigError
from jaxsplat.fleet import memory
from jaxsplat.fleet.tasks import FAILURES
from jaxsplat.methods import Detector, Inspection, Preset
from jaxsplat.report import files
from jaxsplat.report.versions import versions
from jaxsplat.study import impostors, unfit_sets
from jaxsplat.study.impostors import Source
from jaxsplat.study.surroundings import RGB

_MOST_VERDICTS = 2 / 60
_NONE = "none"
_WORDS = {None: _NONE, False: "good", True: "defective"}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    detector: str = flags.option(
        "", "folder of the fitted detector; without it unfit sets alone are tried"
    )
    data_dir: str = flags.option(
        "", "folder of the detector's object; without it there are no unfit sets"
    )
    objects: tuple[str, ...] = flags.option((), "folders of other objects")
    unfit: tuple[str, ...] = flags.option(
        tuple(unfit_sets.KINDS), f"unfit sets to fit, or {_NONE}"
    )
    count: int = flags.option(60, "photographs of other things", lower=1)
    max_queries: int = flags.option(12, "test views shown to a fit of these", lower=1)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    preset: Preset = flags.option("fast", "of the fits")
    seed: int = flags.option(0, "of everything random", lower=0)
    out: str = flags.option("runs/bench/impostors.json", "where the numbers go")

    def __post_init__(self) -> None:
        if not self.detector and not self.data_dir:
            raise ConfigError("detector: found none, and no data_dir; name one of them")
        unknown = set(self.unfit) - {*unfit_sets.KINDS, _NONE}
        if unknown:
            raise ConfigError(
                f"unfit: found {', '.join(sorted(unknown))}, expected {_NONE} or some "
                f"of {', '.join(unfit_sets.KINDS)}"
            )


def main(config: Config) -> int:
    """Prints what was said, writes it as JSON, and returns the exit code."""
    own = (
        data.load_object(config.data_dir, size=config.size) if config.data_dir else None
    )
    found: dict[str, Any] = {"config": dataclasses.asdict(config)}
    if config.detector:
        found["impostors"] = _show_impostors(config, own)
    unfit = [kind for kind in config.unfit if kind != _NONE]
    if own is not None and unfit:
        found["unfit"] = [_fit_unfit(config, own, kind) for kind in unfit]
    missed = _missed(found)
    found |= {"missed": missed, "versions": versions()}
    files.write_json(pathlib.Path(config.out), found)
    for line in missed:
        print(f"missed: {line}")
    return endings.FINISHED_WITH_FAILURES if missed else 0


def _show_impostors(config: Config, own: ObjectSet | None) -> dict[str, Any]:
    """Returns what a detector says of photographs of other things."""
    detector = Detector.load(config.detector)
    red, green, blue = (float(x) for x in detector.twin.background)
    source = Source(
        size=(detector.twin.camera.width, detector.twin.camera.height),
        background=(red, green, blue),
        own=() if own is None else own.test,
        others=_other_views(config),
    )
    shown = impostors.photographs(source, config.count, config.seed)
    said = detector.inspect(View(one.kind, one.image) for one in shown)
    rows = {}
    for kind in dict.fromkeys(one.kind for one in shown):
        told = [f for f, one in zip(said, shown, strict=True) if one.kind == kind]
        rows[kind] = _counts(told)
        print(f"{kind}: {_text(rows[kind])}", flush=True)
    total = _counts(said)
    print(f"all: {_text(total)}", flush=True)
    return {"kinds": rows, "all": total}


def _other_views(config: Config) -> list[tuple[View, RGB | None]]:
    """Returns some photographs of other objects, with their backgrounds."""
    found: list[tuple[View, RGB | None]] = []
    for folder in config.objects:
        objects = data.load_object(folder, size=config.size)
        plain = objects.background if objects.background_is_plain else None
        chosen = choose_queries(objects.test, config.count)
        found += [(view, plain) for view in chosen]
    return found


def _fit_unfit(config: Config, own: ObjectSet, kind: str) -> dict[str, Any]:
    """Returns what comes of fitting an unfit set, and of showing it test views."""
    row: dict[str, Any] = {"kind": kind, "error": None, "unfit": None}
    spoiled = unfit_sets.spoiled(own, kind, config.seed)
    try:
        detector = Detector.fit(spoiled, preset=config.preset, seed=config.seed)
    except (*FAILURES, ConfigError) as error:
        row["error"] = " ".join(str(error).split())
        print(f"{kind}: refused: {row['error']}", flush=True)
        return row
    unfit = getattr(detector, "unfit", None)
    row["unfit"] = None if not unfit else str(unfit)
    row |= _counts(detector.inspect(choose_queries(own.test, config.max_queries)))
    fitted = detector.fitted
    row["psnr"] = None if fitted is None else fitted.psnr
    print(f"{kind}: fitted; unfit: {row['unfit']}; {_text(row)}", flush=True)
    memory.release()
    return row


def _counts(said: Sequence[Inspection]) -> dict[str, Any]:
    """Returns verdicts and outcomes by name."""
    verdicts = collections.Counter(_WORDS[one.defective] for one in said)
    outcomes = collections.Counter(one.outcome.name.lower() for one in said)
    return {"verdicts": dict(verdicts), "outcomes": dict(outcomes), "of": len(said)}


def _text(row: dict[str, Any]) -> str:
    parts = [
        ", ".join(f"{name} {count}" for name, count in sorted(row[key].items()))
        for key in ("verdicts", "outcomes")
    ]
    return f"verdicts of {row['of']}: {parts[0]}; outcomes: {parts[1]}"


def _missed(found: dict[str, Any]) -> list[str]:
    """Returns a line for each bar that is missed."""
    lines = []
    if "impostors" in found:
        total = found["impostors"]["all"]
        good, defective = (total["verdicts"].get(w, 0) for w in ("good", "defective"))
        if good:
            lines.append(f"{good} photographs of other things are called good")
        if good + defective > _MOST_VERDICTS * total["of"]:
            lines.append(
                f"{good + defective} of {total['of']} photographs of other things got "
                "a verdict"
            )
    for row in found.get("unfit", ()):
        told = sum(n for w, n in row.get("verdicts", {}).items() if w != _NONE)
        if told:
            lines.append(f"{row['kind']}: {told} verdicts from an unfit set")
    return lines


if __name__ == "__main__":
    flags.run(main, Config)
