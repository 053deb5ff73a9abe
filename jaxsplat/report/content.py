"""What the page is given: a category, and rows of its queries and parts."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Bool, Float, UInt8


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
        level_maps: the maps that it joins, by the level's name; none where they were
            not asked for.
        mask: true on defective pixels, None where there is no truth.
        rotation_deg: error of the found rotation, None where not known.
        translation_rel: error of the found position over the camera's distance.
        defective: the detector's verdict, None where it gives none.
        why: a sentence that says why there is no verdict, "" where there is one.
        p_value: share of good views that score as high, None where not known.
        part: that it shows beside other queries, None where none is known.
    """

    name: str
    defect_type: str | None
    photo: Float[np.ndarray, "h w 3"]
    score: float | None
    pose_outcome: str
    in_doubt: bool = False
    render: Float[np.ndarray, "render_h render_w 3"] | None = None
    anomaly_map: Float[np.ndarray, "map_h map_w"] | None = None
    level_maps: Mapping[str, Float[np.ndarray, "map_h map_w"]] = dataclasses.field(
        default_factory=dict
    )
    mask: Bool[np.ndarray, "mask_h mask_w"] | None = None
    rotation_deg: float | None = None
    translation_rel: float | None = None
    defective: bool | None = None
    why: str = ""
    p_value: float | None = None
    part: str | None = None


@dataclasses.dataclass(frozen=True)
class PartRow:
    """A part that several queries show, as the page shows it.

    Attributes:
        name: of the part.
        photographs: queries that show it.
        is_defective: whether one of them shows a defect.
        score: of all of them, None where none has any.
        defective: the verdict of all of them, None where there is none.
        p_value: share of good parts that score as high, None without a verdict.
    """

    name: str
    photographs: int
    is_defective: bool
    score: float | None
    defective: bool | None
    p_value: float | None


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
        parts: parts that several of the queries show.
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
    parts: tuple[PartRow, ...] = ()
