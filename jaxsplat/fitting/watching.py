"""What is done between the steps of a fit: it is told, saved, and ended in time."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Literal

from jaxsplat.fitting.checkpoints import Standing, Store
from jaxsplat.fitting.loop import Loop
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.stopping import Plateau
from jaxsplat.scene import gaussians as scene


@dataclasses.dataclass(frozen=True)
class FitProgress:
    """Where a fit stands.

    Attributes:
        step: steps taken.
        steps: steps in all.
        psnr: of the last views, in dB.
        gaussians: live ones.
        phase: which fit of an object it is: "hidden parts" where one goes before.
    """

    step: int
    steps: int
    psnr: float
    gaussians: int
    phase: Literal["hidden parts", "fit"] = "fit"


@dataclasses.dataclass(frozen=True)
class Watcher:
    """Goes through the intervals of a fit's stages.

    Attributes:
        loop: that takes the steps.
        plateau: that says when nothing more is gained.
        steps: of the whole fit.
        begin: when it began, by the monotonic clock; earlier by what a fit that was
            ended had taken.
        store: of its checkpoints, None for none.
        tell: called with the progress after every interval.
    """

    loop: Loop
    plateau: Plateau
    steps: int
    begin: float
    store: Store | None
    tell: Callable[[FitProgress], None] | None

    def follow(
        self, intervals: Iterator[tuple[FitState, float]], standing: Standing
    ) -> Standing:
        """Returns where the fit stands after a stage.

        What the last interval gave is saved at a KeyboardInterrupt, also that of other
        signals which end a command.

        Args:
            intervals: states and PSNR of a stage, see `Loop.stage`.
            standing: before the stage.
        """
        kept = self.store.kept_at_interrupt() if self.store else nullcontext()
        with kept:
            for state, psnr in intervals:
                is_over = self.plateau.is_reached(state)
                standing = Standing(
                    state,
                    psnr,
                    self.loop.capacity,
                    time.monotonic() - self.begin,
                    self.loop.compile_seconds,
                    self.plateau.least,
                )
                self._look(standing)
                if is_over:
                    break
        return standing

    def _look(self, standing: Standing) -> None:
        step = int(standing.state.step)
        if self.store and step < self.steps:
            self.store.save_if_due(standing)
        if self.tell:
            live = scene.count(standing.state.gaussians)
            self.tell(FitProgress(step, self.steps, standing.psnr, live))
