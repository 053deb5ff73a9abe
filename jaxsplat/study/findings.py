"""Findings as a run folder keeps them, and as tables and the page show them."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import report
from jaxsplat.data.views import View, over_background
from jaxsplat.methods import Inspection
from jaxsplat.methods.programs import STAGES
from jaxsplat.pose import OUTCOME_TEXT, TRUSTED, Outcome

# Before the names of levels' maps, among a query's arrays.
_LEVEL = "level "


def stored(
    view: View, found: Inspection
) -> tuple[dict[str, object], dict[str, np.ndarray] | None]:
    """Returns a finding's line of results.jsonl, and its maps and render."""
    score = found.score if math.isfinite(found.score) else None
    record: dict[str, object] = {
        "defect_type": view.defect_type,
        "score": score,
        "defective": found.defective,
        "p_value": found.p_value,
        "reason": found.reason,
        "hidden": found.hidden,
        "outcome": found.outcome.name.lower(),
        "outcome_code": int(found.outcome),
        "loss": found.loss if math.isfinite(found.loss) else None,
        "steps": found.steps,
        "camera_from_world": None,
        "seconds": {stage: found.stage_seconds.get(stage, 0.0) for stage in STAGES},
    }
    if np.isfinite(found.camera_from_world).all():
        record["camera_from_world"] = found.camera_from_world.tolist()
    if found.anomaly_map is None or found.render is None:
        return record, None
    render = np.rint(255 * np.nan_to_num(found.render)).astype(np.uint8)
    levels = {_LEVEL + name: values for name, values in found.level_maps.items()}
    return record, {"map": found.anomaly_map, "render": render, **levels}


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a run folder holds of one query.

    Attributes:
        view: the query.
        record: its line of results.jsonl.
        anomaly_map: raw anomaly by pixel, None where it has none, [map_h, map_w].
        score: raw anomaly score, None where it has none.
    """

    view: View
    record: Mapping[str, Any]
    anomaly_map: Float[np.ndarray, "map_h map_w"] | None
    score: float | None

    @property
    def outcome(self) -> Outcome:
        """How the pose search ended."""
        return Outcome(int(self.record["outcome_code"]))

    @property
    def camera_from_world(self) -> Float[np.ndarray, "4 4"]:
        """The found pose in the user's coordinates, NaN where there is none."""
        matrix = self.record["camera_from_world"]
        return np.full((4, 4), np.nan) if matrix is None else np.array(matrix, float)


def read(folder: report.CategoryFolder, view: View) -> Finding:
    """Returns what a folder holds of a query that is finished."""
    record = folder.results[view.name]
    values = folder.load_arrays(view.name)["map"] if record["arrays"] else None
    if values is not None and not np.isfinite(values).all():
        values = None
    score = record["score"]
    return Finding(view, record, values, None if score is None else float(str(score)))


def shares(
    defective: Sequence[bool | None], labels: Bool[np.ndarray, " n"]
) -> tuple[float | None, float | None, float | None]:
    """Returns what verdicts were worth, None where there is nothing to tell by.

    Args:
        defective: the verdicts, None where there is none.
        labels: the truth, [n].

    Returns:
        The share of the good ones with a verdict that were called defective, that of
        the defective ones with a verdict that were, and that of all without a verdict.
    """
    told = np.array([one is not None for one in defective], bool)
    called = np.array([one is True for one in defective], bool)

    def share(chosen: Bool[np.ndarray, " n"]) -> float | None:
        return float(called[chosen].mean()) if chosen.any() else None

    not_judged = float(1 - told.mean()) if len(told) else None
    return share(told & ~labels), share(told & labels), not_judged


@dataclasses.dataclass(frozen=True)
class Scaling:
    """How raw scores and maps are shown: `(value - low) / (high - low)`.

    Attributes:
        low: raw value that is shown as 0.
        high: raw value that is shown as 1.
        span: shown values of the coldest and the hottest colour.
    """

    low: float = 0.0
    high: float = 1.0
    span: tuple[float, float] = (0.0, 1.0)

    def of(self, values: Any) -> Any:
        """Returns scaled values."""
        return (values - self.low) / max(self.high - self.low, 1e-12)


def row(
    folder: report.CategoryFolder,
    found: Finding,
    behind: Float[np.ndarray, "3"],
    scaled: Scaling,
    error: tuple[float, float] | None,
    part: str | None = None,
) -> report.QueryRow:
    """Returns a finding as the page shows it.

    Args:
        folder: that holds it.
        found: the finding.
        behind: RGB behind photographs with alpha, [3].
        scaled: of scores and maps.
        error: of the pose in degrees and relative translation, None where not known.
        part: that it shows beside other queries, None where none is known.
    """
    render, levels = None, {}
    if found.record["arrays"]:
        arrays = folder.load_arrays(found.view.name)
        render = arrays["render"].astype(np.float32) / 255
        levels = {
            name.removeprefix(_LEVEL): scaled.of(values)
            for name, values in arrays.items()
            if name.startswith(_LEVEL) and found.anomaly_map is not None
        }
    return report.QueryRow(
        name=found.view.name,
        defect_type=found.view.defect_type,
        photo=over_background(found.view, behind),
        score=None if found.score is None else scaled.of(found.score),
        pose_outcome=OUTCOME_TEXT[found.outcome],
        in_doubt=found.outcome not in TRUSTED,
        render=render,
        anomaly_map=None if found.anomaly_map is None else scaled.of(found.anomaly_map),
        level_maps=levels,
        mask=found.view.mask,
        rotation_deg=None if error is None else error[0],
        translation_rel=None if error is None else error[1],
        defective=found.record["defective"],
        why=str(found.record["reason"]),
        p_value=found.record["p_value"],
        part=part,
    )
