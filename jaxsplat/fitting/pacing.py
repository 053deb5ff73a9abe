"""How far a stage goes in the time that it has."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from jaxsplat.fitting.config import Stage

# Steps between two looks at the reports: reading them back costs a synchronisation.
INTERVAL = 50
# Of the first two intervals where time is short: how long a step takes is not known,
# and the first holds the compilation.
_SOUNDING, _SOUNDINGS = 10, 2
# Time of a step that does not depend on the images' size, as a share of one at full
# size: work on Gaussians (16 500 of them and 400 pixels on two cores).
_FIXED = 0.45


class Part(NamedTuple):
    """Steps that come next, and how far the schedule moves on with each."""

    steps: int
    advance: float


class Pace:
    """Divides a stage into intervals, and hurries where it has to end in time.

    A stage that hurries takes fewer steps, each of which moves it on by more than one
    step of its schedule, so that rates fall as far as they would have.

    Attributes:
        place: steps of the schedule that are behind it.
    """

    def __init__(self, steps: int, seconds: float | None) -> None:
        """Begins a stage.

        Args:
            steps: of its schedule.
            seconds: that it may take; None for as many as its steps take.
        """
        self.place = 0.0
        self._steps = steps
        self._end = None if seconds is None else time.monotonic() + seconds
        self._intervals = 0
        self._begin, self._taken = 0.0, 0

    def next(self) -> Part | None:
        """Returns the next interval, None at the stage's end."""
        left = self._steps - self.place
        if left <= 0:
            return None
        if self._end is None:
            return self._part(min(INTERVAL, round(left)), 1.0)
        now = time.monotonic()
        sounds = self._intervals < _SOUNDINGS
        if sounds and (now < self._end or not self._intervals):
            count, advance = min(_SOUNDING, round(left)), 1.0
        else:
            possible = int((self._end - now) / (now - self._begin) * self._taken)
            if possible < 1:
                self.place = float(self._steps)
                return None
            advance = max(left / possible, 1.0)
            count = min(INTERVAL, possible, -int(-left // advance))
        self._begin = now
        return self._part(count, advance)

    def _part(self, steps: int, advance: float) -> Part:
        self._intervals += 1
        self._taken = steps
        # Rounding must not leave a millionth of a step.
        place = self.place + steps * advance
        self.place = float(self._steps) if place > self._steps - 0.5 else place
        return Part(steps, advance)


def share_of(stages: Sequence[Stage]) -> float:
    """Returns the share of the stages' time that the first of them should have."""
    times = [s.steps * (_FIXED + (1 - _FIXED) * s.scale**2) for s in stages]
    return times[0] / max(sum(times), 1e-9)
