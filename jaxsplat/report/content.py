"""What the report layer is given: numbers of a category and rows of its queries."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Bool, Float, UInt8


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


@dataclasses.dataclass(frozen=True)
class QueryRow:
    """One query as the page shows it.

    Attributes:
        name: the view's name.
        defect_type: its true kind, "good" for a normal view, None where not known.
        photo: the photograph, RGB in [0, 1].
        score: anomaly score of the image, None where there is none.
        pose_outcome: how the pose search ended, in words.
        in_doubt: the pose is not to be trusted, hence neither is the score.
        render: the good twin at the found pose, RGB in [0, 1].
        anomaly_map: anomaly per pixel, at any size.
        mask: true on defective pixels, None where there is no truth.
        rotation_deg: error of the found rotation, None where not known.
        translation_rel: error of the found position over the camera's distance.
        defective: the detector's verdict, None where it gives none.
        why: a sentence that says why there is no verdict, "" where there is one.
        p_value: share of good views that score as high, None where not known.
    """

    name: str
    defect_type: str | None
    photo: Float[np.ndarray, "h w 3"]
    score: float | None
    pose_outcome: str
    in_doubt: bool = False
    render: Float[np.ndarray, "render_h render_w 3"] | None = None
    anomaly_map: Float[np.ndarray, "map_h map_w"] | None = None
    mask: Bool[np.ndarray, "mask_h mask_w"] | None = None
    rotation_deg: float | None = None
    translation_rel: float | None = None
    defective: bool | None = None
    why: str = ""
    p_value: float | None = None


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        name: what it is.
        kind: `good`, `defect` or `other`, which colours it.
        points: along it, within the chart, [p, 2].
    """

    name: str
    kind: str
    points: Float[np.ndarray, "p 2"]


@dataclasses.dataclass(frozen=True)
class Chart:
    """A drawing of lines, upwards from 0 to 1.

    Attributes:
        title: what it shows.
        across: what the horizontal axis is.
        up: what the vertical axis is.
        lines: that are drawn.
        limit: where the horizontal axis ends; it begins at 0.
        diagonal: whether a line from corner to corner stands for what is expected.
    """

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    limit: float = 1.0
    diagonal: bool = False


@dataclasses.dataclass(frozen=True)
class FitView:
    """A good view that the fit did not see, beside what the fit says of it.

    Attributes:
        name: of the view.
        psnr: of the render, in dB.
        photo: the photograph, RGB in [0, 1].
        render: of the twin at the true pose, RGB in [0, 1].
        expected: what good views differ by there, in multiples of the mean; None where
            the method expects nothing.
    """

    name: str
    psnr: float
    photo: Float[np.ndarray, "h w 3"]
    render: Float[np.ndarray, "h w 3"]
    expected: Float[np.ndarray, "h w"] | None


@dataclasses.dataclass(frozen=True)
class ShownForeground:
    """Where the object was found in `p` of the training views.

    Attributes:
        told: what told where it is, and how well the views agree, a sentence.
        disagreeing: names of all views that agree far less than the others.
        names: of the views that are shown.
        pictures: these, dimmed beside the object, with a line around it.
    """

    told: str
    disagreeing: tuple[str, ...]
    names: tuple[str, ...]
    pictures: UInt8[np.ndarray, "p h w 3"]


@dataclasses.dataclass(frozen=True)
class CategoryReport:
    """One object's part of the page.

    Attributes:
        name: category name, a key of the metrics' `categories`.
        queries: number of rows, which sets the size of their pictures.
        rows: the queries; may be a generator, since each is used once and dropped.
        map_scale: anomaly values drawn as the coldest and the hottest colour, the same
            for all images of the object.
        threshold: scores above it count as defects; None where none is known.
        threshold_source: how the threshold was found, or why none is known, in words.
        notes: sentences for the reader, such as the loader's warnings.
        foreground: where the object was found in the training views, None where no
            pictures of that are known.
        charts: of how well scores and maps tell.
        fit: good views that the fit did not see.
    """

    name: str
    queries: int
    rows: Iterable[QueryRow]
    map_scale: tuple[float, float]
    threshold: float | None = None
    threshold_source: str = ""
    notes: tuple[str, ...] = ()
    foreground: ShownForeground | None = None
    charts: tuple[Chart, ...] = ()
    fit: tuple[FitView, ...] = ()
