"""The meaning of scores, from those of good views."""

import dataclasses
import math
import statistics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from jaxtyping import Float

from jaxsplat.errors import ConfigError
from jaxsplat.scores.parts import Verdicts

# Views are few that promise less than so many times what is asked.
_FEW = 2
# Variance over mean of what it costs a view not to be seen by the fit.
_VARIANCE_OF_COST = 0.25
_LEAST = 1e-30  # a score of 0 has no logarithm
_MOST_LOG = 88.0  # of a float32


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GoodScores:
    """Scores of good views.

    Attributes:
        scores: of those that neither fit nor comparison saw, rising, [m].
        seen: of some that the fit saw, where there are few others, else none, [k].
    """

    scores: Float[Array, " m"]
    seen: Float[Array, " k"]


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

    Where views are so few that this promises more than twice `fpr`, the score must also
    be higher than a normal distribution of its logarithm allows: that of a photograph
    whose level is the held-out views' and whose variance is that of the views that the
    fit saw, plus that of what it costs not to be seen, which grows in proportion to
    its mean as that of any sum of independent parts does (docs/architecture.md has the
    measurements). The promise stays as it was, the share that is expected becomes
    `fpr`.

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

    def are_few(self, count: int) -> bool:
        """Returns whether so many views promise too little; see `parts.Calibrate`."""
        return 0 < count < 1 / (_FEW * self.fpr) - 1

    def prepare(
        self, scores: Float[np.ndarray, " m"], seen: Float[np.ndarray, " k"]
    ) -> GoodScores:
        """Keeps the scores; see `parts.Calibrate`."""
        rising = jnp.asarray(np.sort(scores), jnp.float32)
        return GoodScores(rising, jnp.asarray(seen, jnp.float32))

    def threshold(self, state: GoodScores, photographs: int = 1) -> float | None:
        """Returns the score that is still good; see `parts.Calibrate`."""
        count = len(state.scores)
        if not count:
            return None
        highest = float(state.scores[self._rank(count, photographs) - 1])
        model = _lognormal(state)
        if model is None:
            return highest
        level, spread = model
        quantile = statistics.NormalDist().inv_cdf((1 - self.fpr) ** (1 / photographs))
        return max(highest, math.exp(min(level + spread * quantile, _MOST_LOG)))

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
        p_values = _beyond(lower, count, photographs)
        model = _lognormal(state)
        if model is not None:
            level, spread = model
            place = (jnp.log(jnp.maximum(scores, _LEAST)) - level) / spread
            expected = -jnp.expm1(photographs * norm.logcdf(place))
            above_all = lower == count
            p_values = jnp.where(above_all, expected, jnp.maximum(expected, p_values))
        return Verdicts(scores > highest, p_values)

    def _rank(self, count: int, photographs: int) -> int:
        """Returns which of the rising scores is the threshold, from 1."""
        ranks = np.arange(1, count + 1, dtype=np.float64)
        # A hair more, since the share may be `fpr` itself but for rounding.
        kept = _beyond(ranks, count, photographs) <= self.fpr + 1e-9
        return int(np.argmax(kept)) + 1 if kept.any() else count


def _lognormal(state: GoodScores) -> tuple[float, float] | None:
    """Returns mean and standard deviation of the logarithm of a good view's score.

    Of a view that the fit did not see, with what is uncertain about the mean; None
    where that is not asked for, or a score has no logarithm.
    """
    scores, seen = (np.asarray(x, np.float64) for x in (state.scores, state.seen))
    if len(seen) < 2 or not scores[0] > 0:
        return None
    seen = np.log(np.maximum(seen, _LEAST))
    level = np.mean(np.log(scores))
    cost = max(float(level - np.mean(seen)), 0.0)
    variance = float(np.var(seen, ddof=1)) + _VARIANCE_OF_COST * cost
    variance = max(variance, _LEAST) * (1 + 1 / len(scores))
    return float(level), math.sqrt(variance)


def _beyond(rank: Any, count: int, photographs: int) -> Any:
    """Returns how often one of some good photographs scores beyond a held-out one.

    Args:
        rank: of the held-out score among them all, from 1; none is 0.
        count: of the held-out scores.
        photographs: how many others there are.
    """
    each = [(rank + i) / (count + 1 + i) for i in range(photographs)]
    return 1 - math.prod(each, start=1.0)
