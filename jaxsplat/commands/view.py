"""Shows an object and its anomaly in a browser: `python -m experiments.view`.

    python -m experiments.view DETECTOR_OR_RUN

The page has the object's Gaussians, the training cameras, and every photograph at the
pose that was found for it. Colours are those of the photographs, the anomaly that the
photographs show, or what good views are expected to differ by. A photograph that is
clicked or chosen shows its own anomaly, and the camera flies to where it was taken.

It serves this machine alone unless --host says otherwise, reads what a run has
finished, changes nothing, and ends at Ctrl-C with exit code 0.
"""

import dataclasses

from jaxsplat import report
from jaxsplat.commands import flags, opened, watching
from jaxsplat.commands.opened import OpenConfig
from jaxsplat.viewing.stage import Stage

_LOOK_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Config(OpenConfig):
    """Settings of the viewer; each is a flag."""

    port: int = flags.option(
        8080, "of the page; the next that is free", lower=1, upper=65535
    )
    host: str = flags.option("127.0.0.1", "address that the page is served at")


def main(config: Config) -> int:
    """Serves the page until SIGINT or SIGTERM, and returns the exit code."""
    with report.Progress() as progress, watching.stop_on_signals() as stop:
        shown = opened.open_exhibit(config, progress)
        count = len(shown.shots)
        with Stage(
            shown,
            config.host,
            config.port,
            lambda number: progress.update("anomaly on the object", number, count),
        ) as stage:
            progress.clear()
            progress.say(f"http://{config.host}:{stage.port} shows {shown.name}")
            while not stop.is_asked:
                stop.sleep(_LOOK_SECONDS)
    return 0
