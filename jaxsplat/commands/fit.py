"""Fits a detector to photographs of a good object: `python -m experiments.fit`.

Takes one object's folder, leaves the detector's folder for `experiments.inspect`, and
prints what the fit gave and whether verdicts are possible. The same data and settings
again do nothing; a fit that was stopped goes on from its last checkpoint.
"""

import dataclasses
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from jaxsplat import data, report
from jaxsplat.commands import flags, verdicts
from jaxsplat.data import atomic
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector, Preset
from jaxsplat.methods.registry import MethodName
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import figures, files, foreground, locks
from jaxsplat.scene.foreground import told
from jaxsplat.scene.found import Foreground
from jaxsplat.study import evaluation

_RECORD, _CHECKPOINT, _DETECTOR = "fit.json", "checkpoint", "detector.json"
_FOREGROUND = "foreground.png"


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a fit; each is a flag."""

    data_dir: str = flags.option(
        dataclasses.MISSING, "folder of one object: posed photographs of a good one"
    )
    out: str = flags.option(dataclasses.MISSING, "folder for the detector", free=True)
    method: MethodName = flags.option("best", "detector: best, or one as published")
    preset: Preset = flags.option("best", flags.PRESET_HELP)
    fit_seconds: float | None = flags.option(None, flags.FIT_SECONDS_HELP, lower=1.0)
    seed: int = flags.option(0, "of everything random", lower=0)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default", free=True
    )
    refit: bool = flags.option(
        False, "fit again, and replace the detector that is there", free=True
    )


def main(config: Config) -> None:
    """Fits and saves the detector, unless it is there already."""
    path = _one_object(config.data_dir)
    out = pathlib.Path(config.out)
    _check_out(out)
    with report.Progress() as progress:
        objects = data.load_object(path, size=config.size)
        for warning in objects.warnings:
            progress.note(f"{objects.name}: {warning}")
        record = _record(config, objects)
        out.mkdir(parents=True, exist_ok=True)
        lock = locks.Lock(out)
        try:
            detector = None if config.refit else _kept(out, record, config.backend)
            if detector is not None:
                progress.say(
                    f"{out}: was fitted to the same data with the same settings; "
                    "--refit fits again"
                )
            else:
                detector = _fit(objects, config, out, progress)
                _keep(detector, out, record)
        finally:
            lock.release()
        progress.clear()
        for line in verdicts.summary(detector):
            progress.say(line)
        progress.say(f"detector: {out}")


def _one_object(data_dir: str) -> pathlib.Path:
    found = data.resolve_categories(data_dir)
    if len(found) != 1:
        names = ", ".join(path.name for path in found[:10])
        raise DataError(
            f"{data_dir}: holds {len(found)} objects ({names}), expected the folder of "
            "one"
        )
    return found[0]


def _check_out(out: pathlib.Path) -> None:
    """Refuses a folder that holds something else than what this command leaves."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigError(f"{out}: is a file; --out expects a folder")
    names = {item.name for item in out.iterdir() if item.name[0] != "."}
    # A fit that was stopped or refused leaves only these.
    others = names - {_CHECKPOINT, _FOREGROUND}
    if _RECORD not in names and others:
        raise ConfigError(
            f"{out}: holds {min(others)!r} and nothing of this command ({_RECORD} is "
            "missing); choose a new or empty folder with --out"
        )


def _record(config: Config, objects: ObjectSet) -> dict[str, Any]:
    """Returns what the detector's numbers depend on."""
    free = flags.free_fields(Config) | {"data_dir"}
    settings = {k: v for k, v in dataclasses.asdict(config).items() if k not in free}
    return {"data": objects.train_digest, "settings": settings}


def _kept(
    out: pathlib.Path, record: dict[str, Any], backend: Backend | None
) -> Detector | None:
    """Returns the detector that is there, None where there is none.

    Raises:
        ConfigError: it was fitted to other data or with other settings.
    """
    if not (out / _DETECTOR).exists():
        return None
    before = files.read_json(out / _RECORD)
    if before == record:
        return Detector.load(out, backend=backend)
    known = before if isinstance(before, dict) else {}
    old, new = known.get("settings"), record["settings"]
    changed = [
        f"{key}={old.get(key)!r}, now {value!r}"
        for key, value in new.items()
        if isinstance(old, dict) and old.get(key) != value
    ]
    if known.get("data") != record["data"]:
        changed.insert(0, "other photographs or poses")
    raise ConfigError(
        f"{out}: holds a detector of another fit ({'; '.join(changed)}); --refit "
        "replaces it, or choose another folder with --out"
    )


def _fit(
    objects: ObjectSet, config: Config, out: pathlib.Path, progress: report.Progress
) -> Detector:
    def show(views: Sequence[View], found: Foreground) -> None:
        # Before the fit, so that it can be looked at, and stopped, at once.
        picture = out / _FOREGROUND
        sheet = foreground.contact_sheet(foreground.show(views, found))
        atomic.write_bytes(picture, figures.encode_png(sheet))
        first, *others = told(found)
        for sentence in (f"{first}; see {picture}", *others):
            progress.note(f"{objects.name}: {sentence}")

    return Detector.fit(
        objects,
        config.method,
        preset=config.preset,
        fit_seconds=config.fit_seconds,
        seed=config.seed,
        backend=config.backend,
        watch=evaluation.told_to(progress),
        on_foreground=show,
        checkpoint=out / _CHECKPOINT,
    )


def _keep(detector: Detector, out: pathlib.Path, record: dict[str, Any]) -> None:
    # The old detector serves until now, and never stands beside the new one's record.
    (out / _DETECTOR).unlink(missing_ok=True)
    files.write_json(out / _RECORD, record)
    detector.save(out)
    shutil.rmtree(out / _CHECKPOINT, ignore_errors=True)
