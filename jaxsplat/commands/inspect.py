"""Inspects photographs with a fitted detector: `python -m experiments.inspect`.

Prints a JSON line on stdout for each photograph as soon as it is done, and everything
else on stderr. `verdict` is "good", "defective", or null where there is none, and then
`reason` says why; what is not known is null, never NaN.

Exit codes: 0 all were good, 4 a defect was found, 5 something could not be judged (4
counts where both happened), 1 bad data or settings, 2 wrong usage.

With --part, all photographs show one part, of which a last line tells, `part`: its
score is the highest of theirs, and the exit code is of its verdict.

With --watch, folders are watched until SIGINT or SIGTERM: photographs are inspected as
they come, and again when they are replaced; the exit code is of all that was seen, and
0 where nothing came. With --out, the same command goes on after it was stopped:
photographs that have a row of this detector are not inspected again.

With --serve, photographs come by HTTP, POST /inspect, until SIGINT or SIGTERM, and
stdout stays empty; see docs/serving.md.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Sequence

from jaxsplat import report
from jaxsplat.commands import flags, serving, verdicts, watch
from jaxsplat.commands.told import Told
from jaxsplat.data import paths
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import findings
from jaxsplat.report.journal import Journal


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of an inspection; each is a flag."""

    detector: str = flags.option(
        dataclasses.MISSING, "folder that experiments.fit left"
    )
    images: tuple[str, ...] = flags.option(
        (),
        "photographs, or folders of them, with commas between; folders in a folder "
        "are not searched (required, but for --serve)",
    )
    out: str | None = flags.option(
        None,
        "folder for heat maps, renders, results.jsonl, and a part's anomaly.ply; none "
        "by default",
    )
    level_maps: bool = flags.option(
        False, "heat maps of every level of the comparison too, with --out"
    )
    part: bool = flags.option(False, "all photographs show one part; judge that")
    watch: bool = flags.option(False, "inspect what comes into the folders, and go on")
    poll_seconds: float = flags.option(
        1.0,
        "time between two looks into them; a file that is the same twice is whole",
        lower=0.05,
    )
    serve: bool = flags.option(False, "inspect what comes by HTTP, and go on")
    host: str = flags.option(
        "127.0.0.1", "address to serve; there is no password, so mind who can reach it"
    )
    port: int = flags.option(
        8000, "to serve; 0 for any that is free", lower=0, upper=65535
    )
    queue: int = flags.option(
        64, "photographs that may wait; the next ones are answered 429", lower=1
    )
    window_ms: float = flags.option(
        50.0, "that a photograph waits for others of its batch", lower=0.0
    )
    max_megabytes: int = flags.option(
        16, "that a photograph sent may have; others are answered 413", lower=1
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )

    @property
    def service(self) -> serving.Settings:
        """The settings of --serve."""
        return serving.Settings(
            self.host,
            self.port,
            self.queue,
            self.window_ms / 1000,
            self.max_megabytes * 2**20,
        )

    def __post_init__(self) -> None:
        if self.level_maps and (self.part or self.watch or self.serve or not self.out):
            raise ConfigError(
                "level_maps: expected --out; drop --part, --watch and --serve"
            )
        if self.serve:
            if self.images or self.part or self.watch:
                raise ConfigError(
                    "serve: expected photographs by HTTP alone; drop --images, --part "
                    "and --watch"
                )
            return
        if not all(self.images) or not self.images:
            raise ConfigError("images: expected photographs or folders of them")
        if self.part and self.watch:
            raise ConfigError("part: expected photographs that are there; drop --watch")


def main(config: Config) -> int:
    """Inspects the photographs and returns the exit code."""
    goes_on = config.watch or config.serve
    with report.Progress() as progress, contextlib.ExitStack() as ends:
        found = _found(config, progress)
        detector = Detector.load(config.detector, backend=config.backend)
        if reason := verdicts.why_none(detector):
            progress.note(f"{config.detector}: no verdicts are possible: {reason}")
        journal = None
        if config.out is not None:
            journal = Journal(pathlib.Path(config.out), append=goes_on)
            ends.callback(journal.close)
        told = Told(detector, journal, progress)
        if config.serve:
            identity = findings.identity(config.detector)
            serving.serve(detector, identity, journal, progress, config.service)
        elif config.watch:
            identity = findings.identity(config.detector)
            seconds = config.poll_seconds
            watch.watch(detector, identity, found, journal, told, progress, seconds)
        elif config.part:
            progress.update("inspect", 0, len(found))
            part = detector.inspect_part(found)
            told.tell_part(part, detector.twin.gaussians)
        else:
            _inspect(detector, found, told, progress, config.level_maps)
    return told.code


def _found(config: Config, progress: report.Progress) -> list[pathlib.Path]:
    """Returns the folders to watch, or the photographs that are there."""
    given = [pathlib.Path(text) for text in dict.fromkeys(config.images)]
    if config.serve:
        return []
    return _folders(given) if config.watch else photographs_in(given, progress)


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
    level_maps: bool,
) -> None:
    together = detector.method.together
    for first in range(0, len(photographs), together):
        progress.update("inspect", first, len(photographs))
        batch = photographs[first : first + together]
        every = detector.inspect(batch, level_maps=level_maps)
        for path, found in zip(batch, every, strict=True):
            told.tell(path, found)
