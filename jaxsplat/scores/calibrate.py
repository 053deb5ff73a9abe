"""The meaning of scores, from those of good views."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.scores.parts import Verdicts


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GoodScores:
    """Scores of good views that neither fit nor comparison saw, rising, [m]."""

    scores: Float[Array, " m"]


@dataclasses.dataclass(frozen=True)
class HighestGood:
    """Defective is what scores higher than every held-out good view."""

    def prepare(self, scores: Float[np.ndarray, " m"]) -> GoodScores:
        """Keeps the scores; see `parts.Calibrate`."""
        return GoodScores(jnp.asarray(np.sort(scores), jnp.float32))

    def threshold(self, state: GoodScores) -> float | None:
        """Returns the highest; see `parts.Calibrate`."""
        return float(state.scores[-1]) if len(state.scores) else None

    def __call__(self, state: GoodScores, scores: Float[Array, " b"]) -> Verdicts:
        """Returns the verdicts; see `parts.Calibrate`."""
        higher = jnp.sum((state.scores >= scores[:, None]).astype(jnp.float32), axis=1)
        highest = jnp.max(state.scores, initial=-jnp.inf)
        return Verdicts(scores > highest, (1 + higher) / (1 + len(state.scores)))
