"""Area under the per-image overlap curve (AUPIMO)."""

import math

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import errors
from jaxsplat.metrics import ranking


def aupimo(
    maps: Float[np.ndarray, "n h w"],
    masks: Bool[np.ndarray, "n h w"],
    lowest: float = 1e-5,
    highest: float = 1e-4,
) -> float | None:
    """Returns the mean area under the per-image overlap curves.

    Thresholds are told by good images alone: their false positive rate, the mean over
    images, runs from `lowest` to `highest` on a logarithmic axis. Over it stands the
    share of a defective image's defective pixels that score above the threshold, and
    the area below is divided by the axis' length (Bertoldo et al. 2024, "AUPIMO:
    Redefining Visual Anomaly Detection Benchmarks with High Speed and Low Tolerance",
    section 3). So it asks what is found where nearly no good pixel is called
    defective. The curve is the exact stairs over all thresholds: at each rate, the
    lowest threshold that does not exceed it.

    Args:
        maps: one score per pixel, higher for more defective, [n, h, w].
        masks: true for defective pixels, [n, h, w]. An image without one is good.
        lowest: least false positive rate that counts.
        highest: greatest one.

    Returns:
        The mean over defective images, in [0, 1], or None where `why_no_aupimo(masks)`
        has a reason.

    Raises:
        ConfigError: the rates are not 0 < lowest < highest <= 1.
        NumericsError: a score is NaN or infinite.
    """
    if not 0 < lowest < highest <= 1:
        raise errors.ConfigError(
            f"rates {lowest} to {highest}: expected 0 < lowest < highest <= 1"
        )
    ranking.check_finite(maps)
    if why_no_aupimo(masks):
        return None
    defective = _defective(masks)
    pixels = np.count_nonzero(~defective) * masks[0].size
    # Above the value at place k lie k good pixels, so it is the threshold for rates
    # from k / pixels to (k + 1) / pixels.
    thresholds = _highest(maps, ~defective, math.floor(highest * pixels) + 1)
    rates = np.arange(len(thresholds) + 1) / pixels
    weights = np.diff(np.log(np.clip(rates, lowest, highest)))
    areas = [
        np.dot(weights, _shares_above(values[mask], thresholds))
        for values, mask in zip(maps[defective], masks[defective], strict=True)
    ]
    return float(np.mean(areas) / math.log(highest / lowest))


def why_no_aupimo(masks: Bool[np.ndarray, "n h w"]) -> str:
    """Returns why these images have no AUPIMO, or "" where they do.

    Args:
        masks: true for defective pixels, [n, h, w].
    """
    return ranking.why_undefined(_defective(masks))


def _defective(masks: Bool[np.ndarray, "n h w"]) -> Bool[np.ndarray, " n"]:
    return np.array([mask.any() for mask in masks], bool)


def _highest(
    maps: Float[np.ndarray, "n h w"], chosen: Bool[np.ndarray, " n"], count: int
) -> Float[np.ndarray, " count"]:
    """Returns the highest scores of the chosen images, falling."""
    kept = np.zeros(0, maps.dtype)
    for index in np.flatnonzero(chosen):
        kept = np.concatenate([kept, maps[index].ravel()])
        if len(kept) > count:
            kept = np.partition(kept, len(kept) - count)[-count:]
    return np.sort(kept)[::-1]


def _shares_above(
    values: Float[np.ndarray, " m"], thresholds: Float[np.ndarray, " k"]
) -> Float[np.ndarray, " k"]:
    values = np.sort(values)
    return 1 - np.searchsorted(values, thresholds, side="right") / len(values)
