"""What is found of a photograph's pose, and what the outcome codes mean."""

import dataclasses
import enum
from typing import NamedTuple

import jax
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.rendering.exposure import Exposure


class Outcome(enum.IntEnum):
    """How the search for a photograph's pose ended.

    The solvers tell the first five and the last, a detector the others, of photographs
    that no solver was given, whose pose was never complete, or that cannot be judged.
    """

    CONVERGED = 0
    MAX_STEPS = 1
    NONFINITE = 2
    OUT_OF_VIEW = 3
    AMBIGUOUS = 4
    UNREADABLE = 5
    WRONG_SHAPE = 6
    TOO_NEAR = 7
    NOT_THIS_OBJECT = 8
    UNFIT = 9
    UNREFINED = 10


OUTCOME_TEXT = {
    Outcome.CONVERGED: "The pose settled: more steps would hardly lower the loss.",
    Outcome.MAX_STEPS: "The steps ran out while the loss was still falling.",
    Outcome.NONFINITE: "Not finite: the image, the start or a step was NaN or "
    "infinite; the best pose before that is kept.",
    Outcome.OUT_OF_VIEW: "Out of view: the photograph shows only background, or no "
    "pose tried shows the object; the best pose before that is kept.",
    Outcome.AMBIGUOUS: "Ambiguous: a quite different pose explains the photograph "
    "nearly as well, as with symmetric objects; the better one is kept.",
    Outcome.UNREADABLE: "Unreadable: the photograph could not be read.",
    Outcome.WRONG_SHAPE: "Wrong shape: the photograph's sides are not in the ratio of "
    "the training views', so its lens is not known.",
    Outcome.TOO_NEAR: "Too near: the render needs longer lists than can be planned, "
    "and would have left out a part of the object.",
    Outcome.NOT_THIS_OBJECT: "Not this object: at the best pose found the photograph "
    "is not like the object.",
    Outcome.UNREFINED: "Not refined: the method takes the coarse pose as it is.",
    Outcome.UNFIT: "Unfit: the fit does not show the good object well enough.",
}

# The pose is to be trusted, as far as its search can tell.
TRUSTED = frozenset({Outcome.CONVERGED, Outcome.MAX_STEPS, Outcome.UNREFINED})


class CoarsePoses(NamedTuple):
    """Poses that may explain each photograph, best first.

    Attributes:
        camera_from_world: k of each photograph, [b, k, 4, 4].
        costs: what they are ordered by, in the finder's own terms; infinite for poses
            that only fill up, [b, k].
    """

    camera_from_world: Float[Array, "b k 4 4"]
    costs: Float[Array, "b k"]


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
        covariance: of the pose as the six parameters of `rendering.motion.moved` (scene
            units, then radians), [..., 6, 6]: the residual's variance times the inverse
            of the last normal equations' matrix. Neighbouring residuals are alike, and
            the model has errors of its own, so true errors are larger (13 deviations in
            the median on the bundled sample); it tells which directions are uncertain.
            NaN where a solver has none.
        exposure: of the photographs, by which the twin is seen as they show it; as in
            the training views where a solver does not look for it.
        needed: the most (tile, splat) pairs that a render on the way took, [...]. More
            than the twin's capacity means that the farthest splats were left out.
    """

    camera_from_world: Float[Array, "*b 4 4"]
    loss: Float[Array, " *b"]
    steps: Int[Array, " *b"]
    outcome: Int[Array, " *b"]
    covariance: Float[Array, "*b 6 6"]
    exposure: Exposure
    needed: Int[Array, " *b"]
