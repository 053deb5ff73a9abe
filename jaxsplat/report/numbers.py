"""The numbers of a category, as metrics.json and the tables have them."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class PoseSummary:
    """Pose errors of one category, None where too few poses were found to say.

    Attributes:
        rotation_deg_median: median rotation error in degrees.
        rotation_deg_p95: its 95th percentile.
        translation_rel_median: median translation error over the camera's distance.
        success_rate: share of queries under 1 degree and under 1 % of the distance.
    """

    rotation_deg_median: float | None
    rotation_deg_p95: float | None
    translation_rel_median: float | None
    success_rate: float | None


@dataclasses.dataclass(frozen=True)
class QuerySeconds:
    """Mean seconds per query in each stage, without compilation."""

    coarse: float
    refine: float
    features: float
    total: float


@dataclasses.dataclass(frozen=True)
class Seconds:
    """Seconds that a category took, without compilation, which `compile` holds."""

    fit: float
    gallery: float
    per_query: QuerySeconds
    compile: float


@dataclasses.dataclass(frozen=True)
class CalibrationSummary:
    """What the threshold promises.

    Attributes:
        threshold: score above which a photograph is defective, None without one.
        nominal_fpr: share of good photographs that was asked for.
        views: good views that set it.
        guarantee: share of good photographs that count as defective at most, in the
            mean over calibrations; more than was asked for where views are few.
    """

    threshold: float | None
    nominal_fpr: float
    views: int
    guarantee: float | None


@dataclasses.dataclass(frozen=True)
class VerdictSummary:
    """What the verdicts were worth, None where there is nothing to tell by.

    Attributes:
        fpr: share of the good photographs with a verdict that were called defective.
        detection_rate: share of the defective ones with a verdict that were.
        not_judged: share of all photographs that got no verdict.
    """

    fpr: float | None
    detection_rate: float | None
    not_judged: float | None


@dataclasses.dataclass(frozen=True)
class PartSummary:
    """What the verdicts about parts were worth that several photographs show.

    Attributes:
        count: of the parts.
        photographs: of a part, in the mean.
        auroc: area under the ROC curve over parts, None where undefined.
        fpr: share of the good parts with a verdict that were called defective. It and
            the next two are None where there is nothing to tell by.
        detection_rate: share of the defective ones with a verdict that were.
        not_judged: share of all parts that got no verdict.
    """

    count: int
    photographs: float
    auroc: float | None
    fpr: float | None
    detection_rate: float | None
    not_judged: float | None


@dataclasses.dataclass(frozen=True)
class CategoryMetrics:
    """The numbers of one category as metrics.json has them.

    Attributes:
        image_auroc: area under the ROC curve over images. It and the next seven are
            None where undefined.
        pixel_auroc: area under the ROC curve over all pixels.
        aupro: area under the per-region overlap curve up to a false positive rate .3.
        pixel_ap: average precision over all pixels.
        image_f1_max: largest F1 over images, at the threshold that suits them best.
        pixel_f1_max: largest F1 over pixels, likewise.
        aupimo: mean area under the per-image overlap curves.
        psnr: decibels over good views that the fit did not see, at their true poses.
        gaussians: live Gaussians of the scene.
        queries: inspected photographs.
        seconds: where the time went.
        pose: errors of the found poses, None where the true ones are unknown.
        reasons: for each undefined metric, by its name, why it is undefined.
        calibration: what the threshold promises, None without verdicts.
        verdict: what the verdicts were worth, likewise.
        parts: what those about parts were worth, None where no queries belong together.
    """

    image_auroc: float | None
    pixel_auroc: float | None
    aupro: float | None
    pixel_ap: float | None
    image_f1_max: float | None
    pixel_f1_max: float | None
    aupimo: float | None
    psnr: float | None
    gaussians: int
    queries: int
    seconds: Seconds
    pose: PoseSummary | None = None
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    calibration: CalibrationSummary | None = None
    verdict: VerdictSummary | None = None
    parts: PartSummary | None = None
