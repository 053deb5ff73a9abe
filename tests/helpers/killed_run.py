"""A small run of `experiments.mad` that kills itself; `tests/test_kills.py` starts it.

    python -m tests.helpers.killed_run COUNTS STAGE NUMBER --data_dir=... --out=...

The process ends by SIGKILL before the NUMBERth step of the fit, or before the NUMBERth
time that it opens for writing, renames or removes a file of the STAGE. A process that
ends by itself writes how often it came by to COUNTS.
"""

import collections
import dataclasses
import functools
import json
import os
import pathlib
import signal
import sys
from typing import Any

from jaxsplat import features, fitting
from jaxsplat.commands import flags, mad
from jaxsplat.fitting.loop import Loop
from tests.helpers.networks import SMALL, by_formula

# Words in the paths of what a stage writes.
STAGES = {
    "checkpoint": "/checkpoint/",
    "results": "results.jsonl",
    "report": ".html",
}
FIT = dataclasses.replace(
    fitting.FAST,
    stages=(fitting.Stage(0.5, 60), fitting.Stage(1.0, 110)),
    count=300,
    capacity=300,
    patience=1.0,
)
_WRITES = os.O_WRONLY | os.O_RDWR


class Killer:
    """Counts what a run does, and kills it."""

    def __init__(self, stage: str, number: int) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._stage, self._number = stage, number

    def count(self, stage: str) -> None:
        """Counts one more, and kills the process where it is the one."""
        self.counts[stage] += 1
        if stage == self._stage and self.counts[stage] == self._number:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Counts files that are opened for writing, renamed or removed."""
        if event == "open":
            path, _, opened = arguments
            if not isinstance(opened, int) or not opened & _WRITES:
                return
        elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
            path = arguments[0]
        else:
            return
        for stage, word in STAGES.items():
            # A file that is open already has its number in the place of its path.
            if not isinstance(path, int) and word in os.fsdecode(path):
                self.count(stage)


def main() -> None:
    """Runs the command with a small fit that is saved at every look."""
    counts, stage, number, *rest = sys.argv[1:]
    killer = Killer(stage, int(number))
    network = by_formula(SMALL)
    step = Loop._step

    def counted(*arguments: Any) -> Any:
        killer.count("fit")
        return step(*arguments)

    # The command's own functions, made small.
    Loop._step = counted  # type: ignore[method-assign]
    fitting.preset = lambda *_: FIT  # type: ignore[assignment]
    fitting.Checkpoint = functools.partial(  # type: ignore[assignment,misc]
        fitting.Checkpoint, every_seconds=0.0
    )
    features.load_network = lambda *_: network  # type: ignore[assignment]
    sys.addaudithook(killer.hook)
    try:
        flags.run(mad.main, mad.Config, ["mad", *rest])
    finally:
        pathlib.Path(counts).write_text(json.dumps(killer.counts))


if __name__ == "__main__":
    main()
