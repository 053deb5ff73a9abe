"""The meaning of scores, from those of good views."""

import dataclasses
import math
from typing import Any

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

    Several photographs of one part are told by the highest of their scores. Of m + p
    good ones, all p of a part score no higher than the k-th of the m with a probability
    of (k / (m + 1)) ((k + 1) / (m + 2)) ... ((k + p - 1) / (m + p)).

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

    def threshold(self, state: GoodScores, photographs: int = 1) -> float | None:
        """Returns the score that is still good; see `parts.Calibrate`."""
        count = len(state.scores)
        if not count:
            return None
        return float(state.scores[self._rank(count, photographs) - 1])

    def guarantee(self, state: GoodScores, photographs: int = 1) -> float | None:
        """Returns the share that is promised; see `parts.Calibrate`."""
        count = len(state.scores)
        if not count:
            return None
        return float(_beyond(self._rank(count, photographs), count, photographs))

    def __call__(
        self, state: GoodScores, scores: Float[Array, " b"], photographs: int = 1
    ) -> Verdicts:
        """Returns the verdicts; see `parts.Calibrate`."""
        count = len(state.scores)
        lower = jnp.sum((state.scores < scores[:, None]).astype(jnp.float32), axis=1)
        threshold = self.threshold(state, photographs)
        highest = -jnp.inf if threshold is None else threshold
        return Verdicts(scores > highest, _beyond(lower, count, photographs))

    def _rank(self, count: int, photographs: int) -> int:
        """Returns which of the rising scores is the threshold, from 1."""
        ranks = np.arange(1, count + 1, dtype=np.float64)
        # A hair more, since the share may be `fpr` itself but for rounding.
        kept = _beyond(ranks, count, photographs) <= self.fpr + 1e-9
        return int(np.argmax(kept)) + 1 if kept.any() else count


def _beyond(rank: Any, count: int, photographs: int) -> Any:
    """Returns how often one of some good photographs scores beyond a held-out one.

    Args:
        rank: of the held-out score among them all, from 1; none is 0.
        count: of the held-out scores.
        photographs: how many others there are.
    """
    each = [(rank + i) / (count + 1 + i) for i in range(photographs)]
    return 1 - math.prod(each, start=1.0)
