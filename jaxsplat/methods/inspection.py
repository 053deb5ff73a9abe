"""What is found of one photograph."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from jaxsplat.pose import OUTCOME_TEXT, TRUSTED, Outcome


@dataclasses.dataclass(frozen=True)
class Inspection:
    """The finding about one photograph. In scores and maps higher is worse.

    Attributes:
        name: the photograph's path, or its number among those given.
        outcome: how the search for its pose ended.
        reason: why there is no verdict, in a sentence; "" where there is one.
        score: anomaly score of the image, NaN where there is none.
        agreement: how far the photograph shows the object at that pose, see
            `pose.agreement`; NaN where no pose was sought.
        beside: how much else stands before a plain background, as a share of the
            object's area; NaN where that is not known.
        hidden: share of the object that something in front of it hides, which takes no
            part in score and map; known before a plain background only, else 0.
        defective: the verdict; None where there is none: the pose is not to be trusted,
            the photograph failed, or no good views tell a threshold.
        p_value: share of good views, with this photograph, that score as high; None
            where there is no verdict.
        camera_from_world: the found pose in the user's coordinates, those of the
            training views' file; NaN where none was sought, [4, 4] float64.
        covariance: of the pose in the user's units, see `PoseEstimate`, [6, 6] float64.
        loss: of the pose search, infinite where none was finite.
        steps: that it took.
        anomaly_map: anomaly by pixel, None where there is none, [map_h, map_w].
        level_maps: the maps that it joins, by the level's name, where they were asked
            for, [map_h, map_w].
        render: what the photograph should show if the object is good: the twin at the
            found pose, in the photograph's exposure, RGB in [0, 1]; None where no pose
            was sought, [h, w, 3].
        stage_seconds: the photograph's share of the time of each stage: coarse, refine,
            features.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    score: float = float("nan")
    agreement: float = float("nan")
    beside: float = float("nan")
    hidden: float = 0.0
    defective: bool | None = None
    p_value: float | None = None
    camera_from_world: Float[np.ndarray, "4 4"] = dataclasses.field(
        default_factory=lambda: np.full((4, 4), np.nan)
    )
    covariance: Float[np.ndarray, "6 6"] = dataclasses.field(
        default_factory=lambda: np.full((6, 6), np.nan)
    )
    loss: float = float("inf")
    steps: int = 0
    anomaly_map: Float[np.ndarray, "map_h map_w"] | None = None
    level_maps: Mapping[str, Float[np.ndarray, "map_h map_w"]] = dataclasses.field(
        default_factory=dict
    )
    render: Float[np.ndarray, "h w 3"] | None = None
    stage_seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The photograph's share of the time, without reading and compilation."""
        return sum(self.stage_seconds.values(), start=0.0)


def failed(name: str, outcome: Outcome, detail: str = "") -> Inspection:
    """Returns the finding about a photograph that could not be looked at.

    Args:
        name: of the photograph.
        outcome: what happened.
        detail: what exactly, where the outcome's own sentence does not tell.
    """
    reason = f"{OUTCOME_TEXT[outcome]} ({detail})" if detail else OUTCOME_TEXT[outcome]
    return Inspection(name, outcome, reason)


def why_no_verdict(
    outcome: Outcome, score: float, threshold: float | None, detail: str = ""
) -> str:
    """Returns why a photograph gets no verdict, "" where it gets one.

    Args:
        outcome: how its inspection ended.
        score: its anomaly score.
        threshold: that of defective ones, None where it is not known.
        detail: what exactly, where the outcome's own sentence does not tell.
    """
    if outcome not in TRUSTED:
        return (
            f"{OUTCOME_TEXT[outcome]} ({detail})" if detail else OUTCOME_TEXT[outcome]
        )
    if not np.isfinite(score):
        return OUTCOME_TEXT[Outcome.NONFINITE]
    if threshold is None:
        return "No threshold is known: no held-out good view was found where it is."
    return ""
