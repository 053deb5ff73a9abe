"""The meaning of scores, from those of good views."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.errors import ConfigError
from jaxsplat.scores.parts import Verdicts


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GoodScores:
    """Scores of good views that neither fit nor comparison saw, rising, [m]."""

    scores: Float[Array, " m"]


@dataclasses.dataclass(frozen=True)
class Conformal:
    """Defective is what scores higher than almost all held-out good views.

    Split conformal prediction (Vovk et al. 2005; Lei et al. 2018): of m + 1 good
    photographs that are taken alike, each is as likely as any other to have the k-th
    highest score. So a good photograph scores higher than the ceil((m + 1) (1 - fpr))th
    of the m held-out ones with a probability of at most `fpr`, whatever the scores'
    distribution. That holds in the mean over calibrations, and for photographs like the
    held-out ones. Fewer than 1 / fpr - 1 views cannot promise so much; the highest of
    them then promises 1 / (m + 1).

    Attributes:
        fpr: share of good photographs that may count as defective, in (0, 1).
    """

    fpr: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.fpr < 1:
            raise ConfigError(f"fpr: found {self.fpr}, expected in (0, 1)")

    def prepare(self, scores: Float[np.ndarray, " m"]) -> GoodScores:
        """Keeps the scores; see `parts.Calibrate`."""
        return GoodScores(jnp.asarray(np.sort(scores), jnp.float32))

    def threshold(self, state: GoodScores) -> float | None:
        """Returns the score that is still good; see `parts.Calibrate`."""
        count = len(state.scores)
        return float(state.scores[self._rank(count) - 1]) if count else None

    def guarantee(self, state: GoodScores) -> float | None:
        """Returns the share that is promised; see `parts.Calibrate`."""
        count = len(state.scores)
        return (count + 1 - self._rank(count)) / (count + 1) if count else None

    def __call__(self, state: GoodScores, scores: Float[Array, " b"]) -> Verdicts:
        """Returns the verdicts; see `parts.Calibrate`."""
        count = len(state.scores)
        higher = jnp.sum((state.scores >= scores[:, None]).astype(jnp.float32), axis=1)
        highest = state.scores[self._rank(count) - 1] if count else -jnp.inf
        return Verdicts(scores > highest, (1 + higher) / (1 + count))

    def _rank(self, count: int) -> int:
        """Returns which of the rising scores is the threshold, from 1."""
        # A hair less, since (m + 1) (1 - fpr) may be a whole number but for rounding.
        return min(math.ceil((count + 1) * (1 - self.fpr) - 1e-9), count)
