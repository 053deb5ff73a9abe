"""The numbers of a category, and its part of the page, from what inspection left."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import data, metrics, report
from jaxsplat.core import cameras
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.methods.programs import STAGES
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import look
from jaxsplat.report import foreground
from jaxsplat.study import findings
from jaxsplat.study.findings import Finding, Scaling

# The hottest colour of heat maps, in multiples of the threshold.
_HOTTEST = 2.0


def measure(
    path: pathlib.Path,
    objects: ObjectSet,
    views: Sequence[View],
    detector: Detector,
    folder: report.CategoryFolder,
) -> report.CategoryMetrics:
    """Returns the numbers of a category; writes maps, poses and its part of the page.

    The true poses are opened here, when detection has finished.
    """
    found = [findings.read(folder, view) for view in views]
    labels = np.array([view.defect_type != GOOD for view in views], bool)
    maps, scores = _ranked(found)
    scaling, span = _scaling(found, detector)
    for one in found:
        if one.anomaly_map is not None:
            folder.write_map(one.view.name, scaling.of(one.anomaly_map), span)
    folder.write_poses(objects.intrinsics, [_pose_row(one) for one in found])
    true = data.read_test_poses(path)
    center = detector.world.points_to_user(np.asarray(detector.twin.center))
    errors, summary = _pose_errors(found, true, center)
    _write_section(objects, found, detector, folder, scaling, span, errors)
    masked = [
        i for i, view in enumerate(views) if view.mask is not None or not labels[i]
    ]
    masks = _masks([views[i] for i in masked], maps.shape[1:])
    fitted = detector.fitted
    assert fitted is not None
    return report.CategoryMetrics(
        image_auroc=metrics.image_auroc(scores, labels),
        pixel_auroc=metrics.pixel_auroc(maps[masked], masks),
        aupro=metrics.aupro(maps[masked], masks),
        pixel_ap=metrics.pixel_ap(maps[masked], masks),
        psnr=_psnr(objects, true, detector),
        gaussians=fitted.gaussians,
        queries=len(views),
        seconds=report.Seconds(
            fit=fitted.seconds,
            gallery=fitted.prepare_seconds,
            per_query=_per_query(found),
            compile=fitted.compile_seconds,
        ),
        pose=summary,
        reasons=_reasons(labels, masks),
        calibration=_calibration(detector),
        verdict=_verdict(found, labels),
    )


def remarks(detector: Detector) -> tuple[str, ...]:
    """Returns what a user should know of a fit, a sentence each."""
    fitted = detector.fitted
    assert fitted is not None
    unfit = (f"unfit, no verdicts: {detector.unfit}",) if detector.unfit else ()
    return *fitted.foreground, *unfit


def _ranked(
    found: Sequence[Finding],
) -> tuple[Float[np.ndarray, "n h w"], Float[np.ndarray, " n"]]:
    """Returns raw maps and scores; a query that has none counts as the worst.

    They are ranked only, so that no scaling would change a metric.
    """
    known = [one.anomaly_map for one in found if one.anomaly_map is not None]
    shape = known[0].shape if known else (1, 1)
    worst = np.float32(max((values.max() for values in known), default=1.0))
    filled = [
        np.full(shape, worst) if one.anomaly_map is None else one.anomaly_map
        for one in found
    ]
    maps = np.stack(filled) if filled else np.zeros((0, *shape), np.float32)
    peak = max((one.score for one in found if one.score is not None), default=1.0)
    scores = [peak if one.score is None else one.score for one in found]
    return maps, np.array(scores, np.float32)


def _scaling(
    found: Sequence[Finding], detector: Detector
) -> tuple[Scaling, tuple[float, float]]:
    """Returns how scores and maps are shown, and their coldest and hottest colour.

    SplatPose's are scaled by minimum and maximum over all test photographs, as
    published. Others are shown as they are, up to a multiple of the threshold: what a
    photograph looks like then does not depend on others.
    """
    known = [one.anomaly_map for one in found if one.anomaly_map is not None]
    high = float(max((values.max() for values in known), default=1.0))
    if detector.method.scaled_over_test_set:
        low = float(min((values.min() for values in known), default=0.0))
        return Scaling(low, high), (0.0, 1.0)
    if detector.threshold is not None:
        high = _HOTTEST * detector.threshold
    return Scaling(), (0.0, high)


def _write_section(
    objects: ObjectSet,
    found: Sequence[Finding],
    detector: Detector,
    folder: report.CategoryFolder,
    scaling: Scaling,
    span: tuple[float, float],
    errors: Mapping[str, tuple[float, float]],
) -> None:
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
    shown = foreground.read(folder.foreground_path)
    told = "" if shown is None else shown.told
    rows = (
        findings.row(folder, one, behind, scaling, errors.get(one.view.name))
        for one in found
    )
    report.write_section(
        folder,
        report.CategoryReport(
            name=objects.name,
            queries=len(found),
            rows=rows,
            map_scale=span,
            threshold=None if threshold is None else float(scaling.of(threshold)),
            threshold_source=source,
            # What stands beside the pictures is no remark any more.
            notes=(*objects.warnings, *(x for x in remarks(detector) if x != told)),
            foreground=shown,
        ),
    )


def _reasons(labels: np.ndarray, masks: np.ndarray) -> dict[str, str]:
    image, pixel = metrics.why_undefined(labels), metrics.why_undefined(masks)
    found = {
        "image_auroc": image,
        "pixel_auroc": pixel,
        "aupro": pixel,
        "pixel_ap": pixel,
    }
    return {name: reason for name, reason in found.items() if reason}


def _calibration(detector: Detector) -> report.CalibrationSummary:
    fitted = detector.fitted
    assert fitted is not None
    return report.CalibrationSummary(
        threshold=detector.threshold,
        nominal_fpr=detector.method.calibrate.fpr,
        views=len(fitted.calibrated_on),
        guarantee=detector.guarantee,
    )


def _verdict(
    found: Sequence[Finding], labels: Bool[np.ndarray, " n"]
) -> report.VerdictSummary:
    told = np.array([one.record["defective"] is not None for one in found], bool)
    called = np.array([one.record["defective"] is True for one in found], bool)

    def share(chosen: Bool[np.ndarray, " n"]) -> float | None:
        return float(called[chosen].mean()) if chosen.any() else None

    return report.VerdictSummary(
        fpr=share(told & ~labels),
        detection_rate=share(told & labels),
        not_judged=float(1 - told.mean()) if len(told) else None,
    )


def _pose_row(found: Finding) -> report.PoseRow:
    name = found.outcome.name.lower()
    return report.PoseRow(found.view.name, found.camera_from_world, name)


def _pose_errors(
    found: Sequence[Finding],
    true: Mapping[str, np.ndarray] | None,
    center: Float[np.ndarray, "3"],
) -> tuple[dict[str, tuple[float, float]], report.PoseSummary | None]:
    """Returns rotation error in degrees and relative translation error, and all."""
    estimated = {one.view.name: one.camera_from_world for one in found}
    known = {name: matrix for name, matrix in (true or {}).items() if name in estimated}
    if not known:
        return {}, None
    errors = {
        name: (
            float(np.degrees(metrics.rotation_error(estimated[name], matrix))),
            metrics.relative_translation_error(estimated[name], matrix, center),
        )
        for name, matrix in known.items()
        if np.isfinite(estimated[name]).all()
    }
    summary = metrics.pose_summary(estimated, known, center)
    return errors, report.PoseSummary(**summary)


def _masks(views: Sequence[View], shape: tuple[int, ...]) -> Bool[np.ndarray, "n h w"]:
    """Returns truth at the maps' size, by nearest pixel as the published code does."""
    height, width = shape
    masks = np.zeros((len(views), height, width), bool)
    for index, view in enumerate(views):
        if view.mask is not None:
            rows = ((np.arange(height) + 0.5) * view.mask.shape[0] / height).astype(int)
            columns = ((np.arange(width) + 0.5) * view.mask.shape[1] / width).astype(
                int
            )
            masks[index] = view.mask[rows[:, None], columns]
    return masks


def _psnr(
    objects: ObjectSet, true: Mapping[str, np.ndarray] | None, detector: Detector
) -> float | None:
    """Returns the mean PSNR of good views that the fit did not see, at true poses.

    The twin is shown in each photograph's exposure, as inspection sees it. Where the
    surroundings are unknown, the pixels of the object alone are compared.
    """
    fitted = detector.fitted
    assert fitted is not None
    posed: list[tuple[View, np.ndarray]] = []
    if true is not None:
        good = [v for v in objects.test if v.defect_type == GOOD and v.name in true]
        world = detector.world
        posed = [(view, world.camera_to_inside(true[view.name])) for view in good]
    if not posed:
        posed = [
            (view, np.asarray(view.camera.camera_from_world))
            for view in objects.train
            if view.name in fitted.held_out and view.camera is not None
        ]
    values = [_psnr_of(detector, view, matrix) for view, matrix in posed]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _psnr_of(
    detector: Detector, view: View, matrix: Float[np.ndarray, "4 4"]
) -> float | None:
    """Returns the PSNR of one view, None where it cannot be taken."""
    twin = detector.twin
    taken = photographs.take(
        view,
        0,
        twin.camera,
        np.asarray(twin.background),
        by_background=detector.by_background,
    )
    if isinstance(taken, Inspection):
        return None
    camera = cameras.with_pose(taken.camera, jnp.asarray(matrix, jnp.float32))
    drawn = look(dataclasses.replace(twin, camera=taken.camera), camera)
    image = jnp.asarray(taken.image)
    behind = exposure.border_color(image, twin.background)
    seen = exposure.estimate_of_view(
        drawn.color, drawn.alpha, image, behind, taken.plain
    )
    color = jnp.moveaxis(drawn.color, -1, 0)
    shown = np.asarray(jnp.moveaxis(seen.apply(color, drawn.alpha), 0, -1))
    compared = taken.plain | (np.asarray(drawn.alpha) > 0.5)
    if not compared.any():
        return None
    return metrics.psnr(shown[compared][None], taken.image[compared][None])


def _per_query(found: Sequence[Finding]) -> report.QuerySeconds:
    means = {
        stage: float(np.mean([one.record["seconds"][stage] for one in found] or [0.0]))
        for stage in STAGES
    }
    return report.QuerySeconds(**means, total=sum(means.values()))
