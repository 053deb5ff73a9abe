"""Inspects photographs with a fitted detector: `python -m experiments.inspect`.

Prints a JSON line on stdout for each photograph as soon as it is done, and everything
else on stderr. `verdict` is "good", "defective", or null where there is none, and then
`reason` says why; what is not known is null, never NaN.

Exit codes: 0 all were good, 4 a defect was found, 5 something could not be judged (4
counts where both happened), 1 bad data or settings, 2 wrong usage.

With --part, all photographs show one part, of which a last line tells, `part`: its
score is the highest of theirs, and the exit code is of its verdict.

With --watch, folders are served until SIGINT or SIGTERM: photographs are inspected as
they come, and again when they are replaced; the exit code is of all that was seen, and
0 where nothing came.
"""

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence

from jaxsplat import report
from jaxsplat.commands import flags, verdicts, watching
from jaxsplat.commands.told import Told
from jaxsplat.data import paths
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector
from jaxsplat.pose import Outcome
from jaxsplat.rendering.backends import Backend


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of an inspection; each is a flag."""

    detector: str = flags.option(
        dataclasses.MISSING, "folder that experiments.fit left"
    )
    images: tuple[str, ...] = flags.option(
        (),
        "photographs, or folders of them, with commas between; folders in a folder "
        "are not searched (required)",
    )
    out: str | None = flags.option(
        None,
        "folder for heat maps, renders, results.jsonl, and a part's anomaly.ply; none "
        "by default",
    )
    part: bool = flags.option(False, "all photographs show one part; judge that")
    watch: bool = flags.option(False, "keep serving the folders")
    poll_seconds: float = flags.option(
        1.0,
        "time between two looks into them; a file that is the same twice is whole",
        lower=0.05,
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )

    def __post_init__(self) -> None:
        if not all(self.images) or not self.images:
            raise ConfigError("images: expected photographs or folders of them")
        if self.part and self.watch:
            raise ConfigError("part: expected photographs that are there; drop --watch")


def main(config: Config) -> int:
    """Inspects the photographs and returns the exit code."""
    given = [pathlib.Path(text) for text in dict.fromkeys(config.images)]
    with report.Progress() as progress:
        found = _folders(given) if config.watch else photographs_in(given, progress)
        detector = Detector.load(config.detector, backend=config.backend)
        if reason := verdicts.why_none(detector):
            progress.note(f"{config.detector}: no verdicts are possible: {reason}")
        out = None if config.out is None else pathlib.Path(config.out)
        told = Told(detector, out, progress, append=config.watch)
        if config.watch:
            _serve(detector, found, told, progress, config.poll_seconds)
        elif config.part:
            progress.update("inspect", 0, len(found))
            part = detector.inspect_part(found)
            told.tell_part(part, detector.twin.gaussians)
        else:
            _inspect(detector, found, told, progress)
    return told.code


def photographs_in(
    given: Sequence[pathlib.Path], progress: report.Progress
) -> list[pathlib.Path]:
    """Returns the files given and those in the folders given, each once.

    Raises:
        DataError: something is not there, or there is no photograph at all.
    """
    found: dict[pathlib.Path, None] = {}
    for path in given:
        if not path.exists():
            raise DataError(f"{path}: does not exist, expected a photograph or folder")
        if not path.is_dir():
            found[path] = None
            continue
        inside = paths.list_images(path)
        if not inside:
            progress.note(f"{path}: holds no photograph; folders in it are not read")
        found |= dict.fromkeys(inside)
    if not found:
        raise DataError(
            f"{given[0]}: holds no photograph that can be read, expected "
            f"{', '.join(paths.IMAGE_SUFFIXES)}; folders in it are not searched"
        )
    return list(found)


def _folders(given: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    for path in given:
        if not path.is_dir():
            raise DataError(f"{path}: is no folder, which --watch expects")
    return list(given)


def _inspect(
    detector: Detector,
    photographs: Sequence[pathlib.Path],
    told: Told,
    progress: report.Progress,
) -> None:
    done = 0
    for batch in _batches(photographs, detector.method.together):
        progress.update("inspect", done, len(photographs))
        for path, found in zip(batch, detector.inspect(batch), strict=True):
            told.tell(path, found)
        done += len(batch)


def _serve(
    detector: Detector,
    folders: Sequence[pathlib.Path],
    told: Told,
    progress: report.Progress,
    poll_seconds: float,
) -> None:
    arrivals = watching.Arrivals(folders, progress.note)
    with watching.stop_on_signals() as stop:
        detector.compile()
        progress.note(f"watching {', '.join(map(str, folders))}")
        while not stop.is_asked:
            due, gone = arrivals.look()
            for path in gone:
                told.not_judged(path, "went away before it was inspected")
            for batch in _batches(due, detector.method.together):
                if stop.is_asked:
                    break
                for path, found in zip(batch, detector.inspect(batch), strict=True):
                    is_read = found.outcome != Outcome.UNREADABLE
                    if arrivals.may_tell(path, is_read):
                        told.tell(path, found)
            stop.sleep(poll_seconds)
    for path in arrivals.waiting:
        told.not_judged(path, "was not inspected before the end")


def _batches(
    photographs: Sequence[pathlib.Path], size: int
) -> Iterator[list[pathlib.Path]]:
    for first in range(0, len(photographs), size):
        yield list(photographs[first : first + size])
