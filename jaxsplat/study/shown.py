"""What the page draws of a category beside its queries: charts, and the fit itself."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat import metrics, report
from jaxsplat.core.cameras import Camera
from jaxsplat.data import splits
from jaxsplat.data.views import ObjectSet
from jaxsplat.methods import Detector
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores import ExpectedDistances, painting
from jaxsplat.scores.softness import softness
from jaxsplat.study import render_quality
from jaxsplat.study.findings import Finding

_MOST_VIEWS = 4
_PRO_LIMIT = 0.3


def charts(
    scores: Float[np.ndarray, " n"],
    labels: Bool[np.ndarray, " n"],
    pro: Float[np.ndarray, "p 2"] | None,
    found: Sequence[Finding],
) -> tuple[report.Chart, ...]:
    """Returns the charts that are defined.

    Args:
        scores: of the queries, higher for more defective.
        labels: true for defective ones.
        pro: curve over the maps, see `metrics.pro_curve`.
        found: what inspection left of the queries.
    """
    made = []
    roc = metrics.roc_curve(scores, labels)
    if roc is not None:
        line = report.Line("queries", "other", roc)
        made.append(
            report.Chart(
                "ROC, images",
                "good ones called defective",
                "defective ones found",
                (line,),
                diagonal=True,
            )
        )
    if pro is not None:
        made.append(
            report.Chart(
                "PRO, pixels",
                "good pixels above the threshold",
                "mean share of a defect's region above it",
                (report.Line("regions", "other", pro),),
                limit=_PRO_LIMIT,
            )
        )
    p_values = np.array([_p_value(one) for one in found], np.float64)
    lines = [
        report.Line(name, kind, _flagged(p_values[chosen & np.isfinite(p_values)]))
        for name, kind, chosen in (
            ("good", "good", ~labels),
            ("defective", "defect", labels),
        )
        if (chosen & np.isfinite(p_values)).any()
    ]
    if lines:
        made.append(
            report.Chart(
                "Calibration",
                "false alarms allowed (p-value)",
                "share called defective; good ones should follow the dotted line",
                tuple(lines),
                diagonal=True,
            )
        )
    return tuple(made)


def fit(
    objects: ObjectSet, true: Mapping[str, np.ndarray] | None, detector: Detector
) -> tuple[report.FitView, ...]:
    """Returns some good views that the fit did not see, beside what it says of them.

    Args:
        objects: the category.
        true: poses of its test views by name, None where they are not known.
        detector: of the category.
    """
    posed = render_quality.unseen_views(objects, true, detector)
    chosen = splits.spread(len(posed), min(len(posed), _MOST_VIEWS))
    state, twin = detector.compared_by, detector.twin
    soft = softness(state) if isinstance(state, ExpectedDistances) else None
    made = []
    for index in chosen:
        one = render_quality.compare(detector, *posed[index])
        if one is None:
            continue
        expected = None if soft is None else np.asarray(_seen(twin, one.camera, soft))
        made.append(report.FitView(one.name, one.psnr, one.photo, one.render, expected))
    return tuple(made)


@jax.jit
def _seen(twin: Twin, camera: Camera, soft: Float[Array, " n"]) -> Float[Array, "h w"]:
    """Returns how a number of each Gaussian looks, 0 beside the object."""
    outside = jnp.zeros(1, jnp.float32)
    return painting.painted(twin, camera, soft[:, None], outside)[0]


def _p_value(found: Finding) -> float:
    value = found.record["p_value"]
    return float("nan") if value is None else float(value)


def _flagged(p_values: Float[np.ndarray, " n"]) -> Float[np.ndarray, "p 2"]:
    """Returns the share of queries with a p-value of at most each number, as steps."""
    rising = np.sort(p_values)
    share = np.arange(1, len(rising) + 1) / len(rising)
    across = np.concatenate([[0.0], np.repeat(rising, 2), [1.0]])
    up = np.concatenate([[0.0, 0.0], np.repeat(share, 2)])
    return np.column_stack([across, up])
