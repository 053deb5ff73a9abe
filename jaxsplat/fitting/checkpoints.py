"""What a long fit leaves on disk, so that a killed one goes on where it was."""

import contextlib
import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from jaxsplat.data.views import View
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.stopping import Least
from jaxsplat.learning import checkpoints
from jaxsplat.learning.checkpoints import Checkpoint, Saved


@dataclasses.dataclass(frozen=True)
class Standing:
    """All that a fit is between two steps.

    Attributes:
        state: of the optimiser; its step says in which stage the fit is, and where.
        psnr: of the last interval's views, in dB.
        capacity: of the lists in use.
        seconds: time so far, compilation included.
        compile_seconds: time of compilation so far.
        least: the least error on views that the fit does not see.
    """

    state: FitState
    psnr: float
    capacity: int
    seconds: float
    compile_seconds: float
    least: Least


def fingerprint(views: Sequence[View], settings: object) -> str:
    """Returns a digest of all that the numbers of a fit depend on.

    Args:
        views: the training views: names, pixels and cameras count.
        settings: all else, of which `repr` is taken.
    """
    inputs = [(view.image, view.alpha, view.camera) for view in views]
    names = [view.name for view in views]
    text = repr((jax.__version__, settings, names))
    return checkpoints.digest(text, jax.tree.leaves(inputs))


class Store:
    """The last two checkpoints of one fit."""

    def __init__(self, checkpoint: Checkpoint, identity: str) -> None:
        self._store = checkpoints.Store(checkpoint, identity, "fit")

    def latest(self, like: FitState) -> Standing | None:
        """Returns the last checkpoint that is whole, or None where there is none.

        Args:
            like: a state of the same shapes.
        """
        saved = self._store.latest(like)
        if saved is None:
            return None
        least = Least(saved.host.pop("error"), saved.host.pop("error_step"))
        return Standing(saved.state, least=least, **saved.host)

    def save_if_due(self, standing: Standing) -> None:
        """Saves when the last time is long enough ago."""
        self._store.save_if_due(*_record(standing))

    def kept_at_interrupt(self) -> contextlib.AbstractContextManager[None]:
        """Saves what was last offered where the fit is told to end."""
        return self._store.kept_at_interrupt()

    def save_end(self, standing: Standing, steps: int) -> None:
        """Saves where a fit ends, after as many of its steps as it took.

        Args:
            standing: at the end.
            steps: of the whole fit, none of which is left to who goes on.
        """
        state = dataclasses.replace(standing.state, step=jnp.int32(steps))
        self._store.save(*_record(dataclasses.replace(standing, state=state)))


def _record(standing: Standing) -> tuple[int, Saved]:
    """Returns the step of a checkpoint, and what it holds."""
    host = {
        "psnr": standing.psnr,
        "capacity": standing.capacity,
        "seconds": standing.seconds,
        "compile_seconds": standing.compile_seconds,
        "error": standing.least.error,
        "error_step": standing.least.step,
    }
    return int(standing.state.step), Saved(standing.state, host)
