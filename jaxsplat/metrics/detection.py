"""Area under the ROC curve, average precision and F1, of images and of pixels.

All are exact over all thresholds, with tied scores taken together, and equal what
scikit-learn's `roc_auc_score`, `average_precision_score` and
`precision_recall_curve` give. Where only one class is
there the metric has no value and the functions return None; `why_undefined` says why.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxsplat.metrics import ranking


def image_auroc(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]
) -> float | None:
    """Returns the chance that a defective image scores above a good one.

    Ties count one half (the Mann-Whitney statistic, which is the area under the ROC
    curve), so the value does not change under any strictly rising map of the scores.

    Args:
        scores: one score per image, higher for more defective, [n].
        labels: true for defective images, [n].

    Returns:
        A value in [0, 1], or None where `why_undefined(labels)` has a reason.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    return pixel_auroc(scores[:, None, None], labels[:, None, None])


def roc_curve(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, "p 2"] | None:
    """Returns the ROC curve over images, or None where it is undefined.

    Args:
        scores: one score per image, higher for more defective, [n].
        labels: true for defective images, [n].

    Returns:
        False and true positive rate from (0, 0) to (1, 1), a point for each distinct
        score; straight lines between them stand for ties.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    ranking.check_finite(scores[:, None, None])
    if ranking.why_undefined(labels):
        return None
    values, place = np.unique(scores, return_inverse=True)
    counts = [
        np.bincount(place[is_one], minlength=len(values))
        for is_one in (~labels, labels)
    ]
    rising = np.cumsum(np.column_stack(counts)[::-1], axis=0)
    return np.concatenate([np.zeros((1, 2)), rising / rising[-1]])


def pixel_auroc(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> float | None:
    """Returns the chance that a defective pixel scores above a normal one.

    The pixels of all images are ranked together, as in the tables of the field.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w].

    Returns:
        A value in [0, 1], or None where `why_undefined(masks)` has a reason.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    ranked = _rank(maps, masks)
    if ranked is None:
        return None
    counts, above, equal = ranked
    defective = int(counts.sum())
    normal = masks.size - defective
    # Whole numbers up to the division: 2 * 64 M * 64 M pixels still fit in 64 bits.
    twice_won = int(np.sum(counts * (2 * (normal - above) - equal)))
    return twice_won / (2 * defective * normal)


def pixel_ap(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> float | None:
    """Returns the average precision over the pixels of all images.

    It is the sum over thresholds of precision times the step of recall, without
    interpolation between thresholds.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w].

    Returns:
        A value in (0, 1], or None where `why_undefined(masks)` has a reason.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    ranked = _rank(maps, masks)
    if ranked is None:
        return None
    counts, above, equal = ranked
    hits = np.cumsum(counts[::-1])[::-1]
    precision = hits / (hits + above + equal)
    return float(np.sum(counts * precision) / hits[0])


def image_f1_max(
    scores: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]
) -> float | None:
    """Returns the largest F1 that any threshold reaches over images.

    The threshold is the one that suits these images best, so this says what scores
    can do, not what a threshold found without them does.

    Args:
        scores: one score per image, higher for more defective, [n].
        labels: true for defective images, [n].

    Returns:
        A value in (0, 1], or None where `why_undefined(labels)` has a reason.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    return pixel_f1_max(scores[:, None, None], labels[:, None, None])


def pixel_f1_max(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> float | None:
    """Returns the largest F1 that any threshold reaches over the pixels of all images.

    F1 is the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); see
    `image_f1_max`.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w].

    Returns:
        A value in (0, 1], or None where `why_undefined(masks)` has a reason.

    Raises:
        NumericsError: a score is NaN or infinite.
    """
    ranked = _rank(maps, masks)
    if ranked is None:
        return None
    counts, above, equal = ranked
    hits = np.cumsum(counts[::-1])[::-1]
    return float(np.max(2 * hits / (hits + above + equal + hits[0])))


def _rank(
    maps: Float[np.ndarray, "n h w"], masks: Bool[np.ndarray, "n h w"]
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], Int[np.ndarray, " k"]] | None:
    """Returns, for each defective score in rising order, how many defective pixels have
    it, how many normal ones lie above it and how many equal it; None where undefined.
    """
    ranking.check_finite(maps)
    if ranking.why_undefined(masks):
        return None
    values, counts = np.unique(maps[masks], return_counts=True)
    above, equal = ranking.count_normals(values, maps, masks)
    return counts, above, equal
