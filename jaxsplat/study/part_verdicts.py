"""The numbers of parts that several queries show, from what inspection left."""

from collections.abc import Mapping, Sequence

import numpy as np

from jaxsplat import metrics, report
from jaxsplat.data.views import GOOD
from jaxsplat.methods import Detector
from jaxsplat.study.findings import Finding, shares


def summarize(
    found: Sequence[Finding], parts: Mapping[str, Sequence[str]], detector: Detector
) -> report.PartSummary | None:
    """Returns what the verdicts about parts were worth, None where there are none.

    A part is defective where one of its photographs is.

    Args:
        found: of all queries.
        parts: names of the queries that show one part, by part.
        detector: of the category.
    """
    if not parts:
        return None
    by_name = {one.view.name: one for one in found}
    members = [[by_name[name] for name in names] for names in parts.values()]
    labels = np.array(
        [any(one.view.defect_type != GOOD for one in some) for some in members]
    )
    verdicts = [detector.judge_part(_judged(some)) for some in members]
    known = [_score(some) for some in members]
    worst = max((score for score in known if score is not None), default=1.0)
    scores = np.array([worst if x is None else x for x in known], np.float32)
    fpr, detection_rate, not_judged = shares([v.defective for v in verdicts], labels)
    return report.PartSummary(
        count=len(members),
        photographs=float(np.mean([len(some) for some in members])),
        auroc=metrics.image_auroc(scores, labels),
        fpr=fpr,
        detection_rate=detection_rate,
        not_judged=not_judged,
    )


def _judged(some: Sequence[Finding]) -> list[float]:
    """Returns the scores of photographs that have a verdict."""
    return [
        one.score
        for one in some
        if one.score is not None and one.record["defective"] is not None
    ]


def _score(some: Sequence[Finding]) -> float | None:
    """Returns a part's score, of all its photographs where none has a verdict."""
    known = _judged(some) or [one.score for one in some if one.score is not None]
    return max(known, default=None)
