"""Errors of poses in numbers, and the published ones beside them."""

from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Float

from jaxsplat import metrics
from jaxsplat.study import published
from jaxsplat.study.posing import Posed

SECONDS = "seconds_per_query"


def row(
    found: jax.Array,
    posed: Posed,
    center: Float[np.ndarray, "3"],
    seconds: float | None = None,
) -> dict[str, float]:
    """Returns errors over all photographs and, where there are any, over good ones.

    Args:
        found: their poses, inside, [b, 4, 4].
        posed: the photographs with their true poses.
        center: of the object, inside, [3].
        seconds: that finding took, None where that was not measured.

    Returns:
        Numbers by name; those in units are in the user's.
    """
    pairs = list(zip(np.asarray(found), posed.poses, strict=True))
    radians = np.array([metrics.rotation_error(a, b) for a, b in pairs])
    turn = np.degrees(radians)
    shift = np.array(
        [metrics.relative_translation_error(a, b, center) for a, b in pairs]
    )
    units = np.array([metrics.translation_error(a, b) for a, b in pairs])
    units /= posed.world.scale
    some = posed.good if posed.good.any() else np.ones_like(posed.good)
    near = turn < metrics.SUCCESS_ROTATION_DEG
    numbers = {
        "rotation_deg_median": np.median(turn),
        "rotation_deg_mean": np.mean(turn),
        "rotation_deg_p95": np.percentile(turn, 95),
        "rotation_rad_mean": np.mean(radians),
        "translation_rel_median": np.median(shift),
        "translation_rel_mean": np.mean(shift),
        "translation_rel_p95": np.percentile(shift, 95),
        "translation_units_mean": np.mean(units),
        "good_rotation_deg_median": np.median(turn[some]),
        "good_translation_rel_median": np.median(shift[some]),
        "success_rate": np.mean(near & (shift < metrics.SUCCESS_TRANSLATION)),
        "queries": len(pairs),
    }
    if seconds is not None:
        numbers[SECONDS] = seconds / len(pairs)
    return {name: float(number) for name, number in numbers.items()}


def table(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Returns the results as text, a line for each category and way."""
    lines = [
        f"{'category':<14}{'':<16}{'rot. deg':>9}{'p95':>8}{'transl. %':>10}{'p95':>8}"
        f"{'ok %':>7}{'s/query':>9}"
    ]
    for name, rows in results.items():
        for way, numbers in rows.items():
            lines.append(
                f"{name:<14}{way:<16}{numbers['rotation_deg_median']:>9.3f}"
                f"{numbers['rotation_deg_p95']:>8.2f}"
                f"{100 * numbers['translation_rel_median']:>10.3f}"
                f"{100 * numbers['translation_rel_p95']:>8.2f}"
                f"{100 * numbers['success_rate']:>7.1f}"
                + (f"{numbers[SECONDS]:>9.3f}" if SECONDS in numbers else "")
            )
    return "\n".join(lines)


def published_table(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Returns mean errors in the units of SplatPose's Table 4, with its figures.

    They are on other data, and cannot be compared.
    """
    lines = [f"{'mean error':<28}{'units':>8}{'radians':>9}"]
    for name, rows in results.items():
        for way in ("coarse", "lm", "adam_screw"):
            if way in rows:
                units = rows[way]["translation_units_mean"]
                radians = rows[way]["rotation_rad_mean"]
                lines.append(
                    f"{f'{name} {way}, measured':<28}{units:>8.3f}{radians:>9.4f}"
                )
    for way, sets in published.POSE_ERRORS.items():
        for name, (units, radians) in sets.items():
            lines.append(
                f"{f'{way}, {name}, published':<28}{units:>8.3f}{radians:>9.4f}"
            )
    return "\n".join(lines)
