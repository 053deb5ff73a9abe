"""A category's part of the page, from what inspection left and what was measured."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from jaxsplat import report
from jaxsplat.data.views import ObjectSet
from jaxsplat.methods import Detector
from jaxsplat.report import foreground
from jaxsplat.study import findings, part_verdicts
from jaxsplat.study.findings import Finding, Scaling
from jaxsplat.study.part_verdicts import JudgedPart

# The hottest colour of heat maps, in multiples of the threshold.
_HOTTEST = 2.0


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What was measured of a category, for the page.

    Attributes:
        scale: of scores and maps.
        errors: of the poses in degrees and relative translation, by query, of those
            whose true pose is known.
        charts: of how well scores and maps tell.
        fit: good views that the fit did not see.
        parts: that several queries show.
    """

    scale: Scaling
    errors: Mapping[str, tuple[float, float]]
    charts: tuple[report.Chart, ...]
    fit: tuple[report.FitView, ...]
    parts: tuple[JudgedPart, ...]


def remarks(detector: Detector) -> tuple[str, ...]:
    """Returns what a user should know of a fit, a sentence each."""
    fitted = detector.fitted
    assert fitted is not None
    unfit = (f"unfit, no verdicts: {detector.unfit}",) if detector.unfit else ()
    return *fitted.foreground, *unfit


def scale_of(found: Sequence[Finding], detector: Detector) -> Scaling:
    """Returns how scores and maps are shown.

    SplatPose's are scaled by minimum and maximum over all test photographs, as
    published. Others are shown as they are, up to a multiple of the threshold: what a
    photograph looks like then does not depend on others.
    """
    known = [one.anomaly_map for one in found if one.anomaly_map is not None]
    high = float(max((values.max() for values in known), default=1.0))
    if detector.method.scaled_over_test_set:
        low = float(min((values.min() for values in known), default=0.0))
        return Scaling(low, high, (0.0, 1.0))
    if detector.threshold is not None:
        high = _HOTTEST * detector.threshold
    return Scaling(span=(0.0, high))


def write(
    objects: ObjectSet,
    found: Sequence[Finding],
    detector: Detector,
    folder: report.CategoryFolder,
    drawn: Drawn,
) -> None:
    """Writes the category's part of the page.

    Args:
        objects: the category.
        found: of its queries.
        detector: of the category.
        folder: that takes it.
        drawn: what was measured.
    """
    behind = np.asarray(detector.twin.background)
    fitted = detector.fitted
    assert fitted is not None
    guarantee = detector.guarantee
    promise = ""
    if guarantee is not None:
        promise = f": at most {100 * guarantee:.0f} % of good photographs score higher"
    source = (
        f"{len(fitted.calibrated_on)} good views whose pose was found, of "
        f"{len(fitted.held_out)} that the fit never saw{promise}"
    )
    threshold = detector.threshold
    outlines = foreground.read(folder.foreground_path)
    told = "" if outlines is None else outlines.told
    part_of = {name: part.name for part in drawn.parts for name in part.members}
    rows = (
        findings.row(
            folder,
            one,
            behind,
            drawn.scale,
            drawn.errors.get(one.view.name),
            part_of.get(one.view.name),
        )
        for one in found
    )
    report.write_section(
        folder,
        report.CategoryReport(
            name=objects.name,
            queries=len(found),
            rows=rows,
            map_scale=drawn.scale.span,
            threshold=None if threshold is None else float(drawn.scale.of(threshold)),
            threshold_source=source,
            # What stands beside the pictures is no remark any more.
            notes=(*objects.warnings, *(x for x in remarks(detector) if x != told)),
            foreground=outlines,
            charts=drawn.charts,
            fit=drawn.fit,
            parts=tuple(part_verdicts.row(one, drawn.scale) for one in drawn.parts),
        ),
    )
