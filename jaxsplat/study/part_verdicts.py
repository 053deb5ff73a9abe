"""Verdicts about parts that several queries show, from what inspection left."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsplat import metrics, report
from jaxsplat.data.views import GOOD
from jaxsplat.methods import Detector
from jaxsplat.methods.one_part import PartVerdict
from jaxsplat.study.findings import Finding, Scaling, shares


@dataclasses.dataclass(frozen=True)
class JudgedPart:
    """A part, and what its queries say together.

    Attributes:
        name: of the part.
        members: names of the queries that show it.
        is_defective: whether one of them shows a defect.
        score: raw, of those that have a verdict, of all where none has; None where
            none has a score.
        verdict: of those that have one.
    """

    name: str
    members: tuple[str, ...]
    is_defective: bool
    score: float | None
    verdict: PartVerdict


def judge(
    found: Sequence[Finding], parts: Mapping[str, Sequence[str]], detector: Detector
) -> tuple[JudgedPart, ...]:
    """Returns what is known of every part.

    Args:
        found: of all queries.
        parts: names of the queries that show one part, by part.
        detector: of the category.
    """
    by_name = {one.view.name: one for one in found}
    judged = []
    for name, members in parts.items():
        some = [by_name[member] for member in members]
        told = [one for one in some if one.record["defective"] is not None]
        known = _scores(told) or _scores(some)
        judged.append(
            JudgedPart(
                name,
                tuple(members),
                any(one.view.defect_type != GOOD for one in some),
                max(known, default=None),
                detector.judge_part(_scores(told)),
            )
        )
    return tuple(judged)


def _scores(found: Sequence[Finding]) -> list[float]:
    return [one.score for one in found if one.score is not None]


def summarize(judged: Sequence[JudgedPart]) -> report.PartSummary | None:
    """Returns what the verdicts about parts were worth, None where there are none."""
    if not judged:
        return None
    labels = np.array([one.is_defective for one in judged])
    worst = max((one.score for one in judged if one.score is not None), default=1.0)
    scores = [worst if one.score is None else one.score for one in judged]
    verdicts = [one.verdict.defective for one in judged]
    fpr, detection_rate, not_judged = shares(verdicts, labels)
    return report.PartSummary(
        count=len(judged),
        photographs=float(np.mean([len(one.members) for one in judged])),
        auroc=metrics.image_auroc(np.array(scores, np.float32), labels),
        fpr=fpr,
        detection_rate=detection_rate,
        not_judged=not_judged,
    )


def row(part: JudgedPart, scaled: Scaling) -> report.PartRow:
    """Returns a part as the page shows it."""
    return report.PartRow(
        part.name,
        len(part.members),
        part.is_defective,
        None if part.score is None else float(scaled.of(part.score)),
        part.verdict.defective,
        part.verdict.p_value,
    )
