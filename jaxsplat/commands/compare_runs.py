"""Two runs side by side: `python -m experiments.compare_runs RUN_A RUN_B`.

Prints how the metrics of each object change from the first run to the second, and which
queries are judged differently, and writes a page of both with the queries' pictures.
"""

import dataclasses
import pathlib

from jaxsplat.commands import flags
from jaxsplat.report import Progress, comparison, files


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a comparison; each is a flag."""

    first: str = flags.option(
        dataclasses.MISSING,
        "folder of a run; may stand without its flag",
        positional=True,
    )
    second: str = flags.option(
        dataclasses.MISSING,
        "folder of another run; may stand without its flag",
        positional=True,
    )
    out: str = flags.option("comparison.html", "the page")


def main(config: Config) -> int:
    """Writes the page and returns the exit code."""
    first, second = pathlib.Path(config.first), pathlib.Path(config.second)
    out = pathlib.Path(config.out)
    found = comparison.compare(first, second)
    files.write_pieces(out, comparison.page(found, first, second))
    with Progress() as progress:
        progress.say(comparison.text(found))
        progress.say(f"page: {out}")
    return 0
