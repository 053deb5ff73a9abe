"""What a pose solver returns, and what its outcome codes mean."""

import dataclasses
import enum

import jax
from jax import Array
from jaxtyping import Float, Int


class Outcome(enum.IntEnum):
    """How a pose search ended; the caller decides what a failure means."""

    CONVERGED = 0
    MAX_STEPS = 1
    NONFINITE = 2
    OUT_OF_VIEW = 3
    AMBIGUOUS = 4


OUTCOME_TEXT = {
    Outcome.CONVERGED: "The pose settled: more steps would hardly lower the loss.",
    Outcome.MAX_STEPS: "The steps ran out while the loss was still falling.",
    Outcome.NONFINITE: "Not finite: the image, the start or a step was NaN or "
    "infinite; the best pose before that is kept.",
    Outcome.OUT_OF_VIEW: "Out of view: the photograph shows only background, or no "
    "pose tried shows the object; the best pose before that is kept.",
    Outcome.AMBIGUOUS: "Ambiguous: a quite different pose explains the photograph "
    "nearly as well, as with symmetric objects; the better one is kept.",
}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class PoseEstimate:
    """The poses of a batch of photographs.

    Attributes:
        camera_from_world: the best pose that was tried, [..., 4, 4]. It is the start
            where that cannot be told: no finite loss, or no object in the photograph.
        loss: of the solver at that pose, infinite where none was finite, [...]. It
            tells wrong minima, which also count as converged.
        steps: optimiser steps taken, [...].
        outcome: an `Outcome` each, [...].
        covariance: of the pose as the six parameters of `render.motion.moved` (scene
            units, then radians), [..., 6, 6]: the residual's variance times the inverse
            of the last normal equations' matrix. Neighbouring residuals are alike, and
            the model has errors of its own, so true errors are larger (13 deviations in
            the median on the bundled sample); it tells which directions are uncertain.
            NaN where a solver has none.
        needed: the most (tile, splat) pairs that a render on the way took, [...]. More
            than the solver's capacity means that the farthest splats were left out.
    """

    camera_from_world: Float[Array, "*b 4 4"]
    loss: Float[Array, " *b"]
    steps: Int[Array, " *b"]
    outcome: Int[Array, " *b"]
    covariance: Float[Array, "*b 6 6"]
    needed: Int[Array, " *b"]
