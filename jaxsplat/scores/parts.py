"""What every comparison, image score and calibration is.

As in `pose.parts`: frozen settings, a state from `prepare`, and a pure call. In all
scores and maps higher is worse.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jax import Array
from jaxtyping import Bool, Float, PRNGKeyArray

from jaxsplat.data.views import View
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin


@runtime_checkable
class Compare(Protocol):
    """A distance of photographs and what they should show, pixel by pixel."""

    def prepare(
        self,
        twin: Twin,
        views: Sequence[View],
        unseen: Sequence[View],
        key: PRNGKeyArray,
    ) -> Any:
        """Returns the state for one object.

        Args:
            twin: the object.
            views: good views with poses that its fit saw.
            unseen: others that it did not see, possibly none.
            key: of everything random.
        """

    def __call__(
        self,
        twin: Twin,
        state: Any,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns an anomaly map of each photograph, NaN where it has none.

        Args:
            twin: the object; its camera is that of the photographs.
            state: from `prepare`.
            photographs: RGB in [0, 1], [b, h, w, 3].
            expected: from `pose.expected_photographs`, [b, h, w, 3].
            estimate: the poses.
        """


@runtime_checkable
class ComparesByLevel(Compare, Protocol):
    """A comparison that joins several levels, and tells each of them apart."""

    def level_names(self, state: Any) -> tuple[str, ...]:
        """Returns what each level is called, in words."""

    def level_maps(
        self,
        twin: Twin,
        state: Any,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b levels map_h map_w"]:
        """Returns the maps of every level, in the unit of the map that joins them.

        Arguments are those of the comparison itself.
        """


@runtime_checkable
class Score(Protocol):
    """The score of a whole image, from its map."""

    def __call__(self, maps: Float[Array, "b h w"]) -> Float[Array, " b"]:
        """Returns the score of each map, NaN where the map is."""


class Verdicts(NamedTuple):
    """What scores mean beside those of good views.

    Attributes:
        defective: whether each score is too high for a good object, [b].
        p_values: probability of a score as high of a good object, in (0, 1], [b]; for
            one photograph the share of good views, itself among them, that score so.
    """

    defective: Bool[Array, " b"]
    p_values: Float[Array, " b"]


@runtime_checkable
class Calibrate(Protocol):
    """The meaning of scores, from those of good views that nothing else saw.

    Attributes:
        fpr: share of good photographs that may count as defective.
    """

    @property
    def fpr(self) -> float: ...

    def are_few(self, count: int) -> bool:
        """Returns whether `prepare` wants scores of seen views beside so many."""

    def prepare(
        self, scores: Float[np.ndarray, " m"], seen: Float[np.ndarray, " k"]
    ) -> Any:
        """Returns the state.

        Args:
            scores: of m held-out good views, finite.
            seen: of k views that the fit saw, likewise; none where `are_few` says that
                the others are not.
        """

    def threshold(self, state: Any, photographs: int = 1) -> float | None:
        """Returns the score above which a part counts as defective.

        None where the good views were too few to say; then there is no verdict.

        Args:
            state: from `prepare`.
            photographs: of the part, which has the highest of their scores.
        """

    def guarantee(self, state: Any, photographs: int = 1) -> float | None:
        """Returns the share of good parts that count as defective, at most.

        None where the good views were too few to say. Arguments are as in `threshold`.
        """

    def __call__(
        self, state: Any, scores: Float[Array, " b"], photographs: int = 1
    ) -> Verdicts:
        """Returns the verdicts, where there is a threshold.

        Args:
            state: from `prepare`.
            scores: the highest of each part's photographs, [b].
            photographs: of each part.
        """
