"""The flags that name what is shown or exported, and what they open."""

import dataclasses
import pathlib
from collections.abc import Sequence

from jaxsplat import report
from jaxsplat.commands import flags, inspect
from jaxsplat.errors import ConfigError
from jaxsplat.rendering.backends import Backend
from jaxsplat.viewing import Exhibit, Shot, opening


@dataclasses.dataclass(frozen=True)
class OpenConfig:
    """Settings that commands about one object have in common; each is a flag."""

    source: str = flags.option(
        dataclasses.MISSING,
        "folder of a run, of one object in it, or of a detector; may stand without "
        "its flag",
        positional=True,
    )
    category: str | None = flags.option(None, "object of a run that has several")
    data_dir: str | None = flags.option(
        None, "where its photographs are; where the run found them by default"
    )
    images: tuple[str, ...] = flags.option(
        (),
        "photographs of one part, or folders of them, with commas between, to inspect "
        "now; the run's own by default",
    )
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )


def open_exhibit(config: OpenConfig, progress: report.Progress) -> Exhibit:
    """Returns what is shown, and tells what is not."""
    progress.update("open", 0, 1)
    images: list[pathlib.Path] = []
    if config.images:
        given = [pathlib.Path(text) for text in dict.fromkeys(config.images)]
        images = inspect.photographs_in(given, progress)
    shown = opening.open_exhibit(
        opening.Asked(
            pathlib.Path(config.source),
            config.category,
            config.data_dir,
            tuple(map(str, images)),
            config.backend,
        )
    )
    for note in shown.notes:
        progress.note(f"{shown.name}: {note}")
    return shown


def chosen(shown: Exhibit, name: str | None) -> Sequence[Shot]:
    """Returns the photograph of a name, all where none is given.

    Raises:
        ConfigError: there is no such photograph.
    """
    if name is None:
        return shown.shots
    found = [shot for shot in shown.shots if shot.name == name]
    if not found:
        known = ", ".join(shot.name for shot in shown.shots[:10]) or "none"
        raise ConfigError(f"query: found {name!r}, expected a photograph, as {known}")
    return found
