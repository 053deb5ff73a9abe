"""The numbers of a category, from what inspection left."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import data, metrics, report
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.methods import Detector
from jaxsplat.methods.programs import STAGES
from jaxsplat.study import findings, part_verdicts, render_quality, section, shown
from jaxsplat.study.findings import Finding


def measure(
    path: pathlib.Path,
    objects: ObjectSet,
    views: Sequence[View],
    detector: Detector,
    folder: report.CategoryFolder,
    parts: Mapping[str, Sequence[str]],
) -> report.CategoryMetrics:
    """Returns the numbers of a category; writes maps, poses and its part of the page.

    The true poses are opened here, when detection has finished.

    Args:
        path: the category's data.
        objects: the category.
        views: the queries, all inspected.
        detector: of the category.
        folder: holds the results, and takes what is written.
        parts: names of the queries that show one part, by part.
    """
    labels = np.array([view.defect_type != GOOD for view in views], bool)
    found, maps = _read(views, folder)
    scores = _ranked(found)
    scale = section.scale_of(found, detector)
    for one in found:
        if one.anomaly_map is not None:
            folder.write_map(one.view.name, scale.of(one.anomaly_map), scale.span)
    folder.write_poses(objects.intrinsics, [_pose_row(one) for one in found])
    true = data.read_test_poses(path)
    center = detector.world.points_to_user(np.asarray(detector.twin.center))
    errors, summary = _pose_errors(found, true, center)
    masked = [
        i for i, view in enumerate(views) if view.mask is not None or not labels[i]
    ]
    masks = _masks([views[i] for i in masked], maps.shape[1:])
    if len(masked) < len(maps):
        maps = maps[masked]
    pro = metrics.pro_curve(maps, masks)
    judged = part_verdicts.judge(found, parts, detector)
    drawn = section.Drawn(
        scale,
        errors,
        shown.charts(scores, labels, pro, found),
        shown.fit(objects, true, detector),
        judged,
    )
    section.write(objects, found, detector, folder, drawn)
    fitted = detector.fitted
    assert fitted is not None
    return report.CategoryMetrics(
        image_auroc=metrics.image_auroc(scores, labels),
        pixel_auroc=metrics.pixel_auroc(maps, masks),
        aupro=metrics.area_under_pro(pro),
        pixel_ap=metrics.pixel_ap(maps, masks),
        image_f1_max=metrics.image_f1_max(scores, labels),
        pixel_f1_max=metrics.pixel_f1_max(maps, masks),
        aupimo=metrics.aupimo(maps, masks),
        psnr=render_quality.psnr_of_good_views(objects, true, detector),
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
        parts=part_verdicts.summarize(judged),
    )


def _read(
    views: Sequence[View], folder: report.CategoryFolder
) -> tuple[list[Finding], Float[np.ndarray, "n h w"]]:
    """Returns the findings, and their maps in one array, the findings' own where of
    one size; a query that has none counts as the worst.
    """
    found: list[Finding] = []
    maps, missing = np.zeros((len(views), 1, 1), np.float32), []
    for number, view in enumerate(views):
        one = findings.read(folder, view)
        if one.anomaly_map is None:
            missing.append(number)
        else:
            if len(missing) == number:
                maps = np.zeros((len(views), *one.anomaly_map.shape), np.float32)
            height, width = maps.shape[1:]
            maps[number] = cv2.resize(one.anomaly_map, (width, height))
            if one.anomaly_map.shape == maps.shape[1:]:
                one = dataclasses.replace(one, anomaly_map=maps[number])
        found.append(one)
    maps[missing] = 1.0 if len(missing) == len(views) else maps.max()
    return found, maps


def _ranked(found: Sequence[Finding]) -> Float[np.ndarray, " n"]:
    """Returns raw scores; a query that has none counts as the worst.

    They are ranked only, so that no scaling would change a metric.
    """
    peak = max((one.score for one in found if one.score is not None), default=1.0)
    scores = [peak if one.score is None else one.score for one in found]
    return np.array(scores, np.float32)


def _reasons(labels: np.ndarray, masks: np.ndarray) -> dict[str, str]:
    image, pixel = metrics.why_undefined(labels), metrics.why_undefined(masks)
    found = {
        "image_auroc": image,
        "image_f1_max": image,
        "pixel_auroc": pixel,
        "aupro": pixel,
        "pixel_ap": pixel,
        "pixel_f1_max": pixel,
        "aupimo": metrics.why_no_aupimo(masks),
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
    defective = [one.record["defective"] for one in found]
    return report.VerdictSummary(*findings.shares(defective, labels))


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


def _per_query(found: Sequence[Finding]) -> report.QuerySeconds:
    means = {
        stage: float(np.mean([one.record["seconds"][stage] for one in found] or [0.0]))
        for stage in STAGES
    }
    return report.QuerySeconds(**means, total=sum(means.values()))
