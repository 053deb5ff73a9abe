"""One category of the main command: fit, inspect, measure, show."""

import dataclasses
import pathlib
import typing
from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from jaxsplat import data, features, methods, metrics, pose, report
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.scores import splatpose as scores
from jaxsplat.study import detection, scenes, splits

if typing.TYPE_CHECKING:
    from jaxsplat.commands.mad import Config

# Good views that the fit does not see: they set the threshold of the verdict, and stand
# in for the quality of the scene where no test poses are known.
CALIBRATION_VIEWS = 8


@dataclasses.dataclass(frozen=True)
class Result:
    """A finished category.

    Attributes:
        objects: the category's views.
        folder: where its results are.
        metrics: its numbers.
        views: the inspected queries.
        low: raw anomaly value that becomes 0.
        high: raw anomaly value that becomes 1.
        threshold: image score above which a query counts as defective, None where no
            good views were held out.
        errors: rotation error in degrees and relative translation error by query.
    """

    objects: ObjectSet
    folder: report.CategoryFolder
    metrics: report.CategoryMetrics
    views: tuple[View, ...]
    low: float
    high: float
    threshold: float | None
    errors: dict[str, tuple[float, float]]


def inspect(
    path: pathlib.Path,
    config: "Config",
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> Result:
    """Returns the finished category, going on where an earlier run stopped.

    Raises:
        DataError: the category's files are not what they should be.
        NumericsError: the fit left the finite numbers.
    """
    objects = data.load_object(path, size=config.size)
    for warning in objects.warnings:
        progress.note(f"{objects.name}: {warning}")
    fitted_views, held_out = splits.hold_out(objects.train, CALIBRATION_VIEWS)
    network = features.load_network(config.network, config.network_file)
    fitted = scenes.fit_or_read(fitted_views, objects, config, folder, progress)
    views = splits.choose_queries(objects.test, config.max_queries)
    found = detection.run(
        fitted,
        fitted_views,
        held_out,
        views,
        objects,
        network,
        config,
        folder,
        progress,
    )
    return _measure(path, objects, folder, views, held_out, fitted, found)


def _measure(
    path: pathlib.Path,
    objects: ObjectSet,
    folder: report.CategoryFolder,
    views: tuple[View, ...],
    held_out: tuple[View, ...],
    fitted: scenes.Fitted,
    found: detection.Detected,
) -> Result:
    raw = [folder.load_arrays(view.name)["map"] for view in views]
    maps = scores.normalize_maps(np.stack(raw)) if raw else np.zeros((0, 1, 1))
    finite = [m for m in raw if np.isfinite(m).all()]
    low = float(min((m.min() for m in finite), default=0.0))
    high = float(max((m.max() for m in finite), default=1.0))
    # A map of a pair that could not be compared has no value; it counts as worst.
    maps = np.nan_to_num(maps, nan=1.0)
    labels = np.array([view.defect_type != GOOD for view in views], bool)
    image_scores = scores.image_scores(maps) if raw else np.zeros(0, np.float32)
    for view, values in zip(views, maps, strict=True):
        folder.write_map(view.name, values, (0.0, 1.0))
    rows = [_pose_row(folder, view) for view in views]
    folder.write_poses(objects.intrinsics, rows)
    # Only now, with detection finished, are the true poses opened.
    true = data.read_test_poses(path)
    errors, summary = _pose_errors(rows, true, fitted.center)
    masked = [
        i for i, view in enumerate(views) if view.mask is not None or not labels[i]
    ]
    pixel_maps = maps[masked]
    masks = _masks([views[i] for i in masked], maps.shape[1:])
    numbers = report.CategoryMetrics(
        image_auroc=metrics.image_auroc(image_scores, labels),
        pixel_auroc=metrics.pixel_auroc(pixel_maps, masks),
        aupro=metrics.aupro(pixel_maps, masks),
        pixel_ap=metrics.pixel_ap(pixel_maps, masks),
        psnr=_psnr(objects, held_out, true, fitted, found),
        gaussians=fitted.count,
        queries=len(views),
        seconds=found.seconds,
        pose=summary,
        reasons=_reasons(labels, masks),
    )
    threshold = None
    if found.calibration:
        threshold = (max(found.calibration) - low) / max(high - low, 1e-12)
    return Result(objects, folder, numbers, views, low, high, threshold, errors)


def _reasons(labels: np.ndarray, masks: np.ndarray) -> dict[str, str]:
    image, pixel = metrics.why_undefined(labels), metrics.why_undefined(masks)
    found = {
        "image_auroc": image,
        "pixel_auroc": pixel,
        "aupro": pixel,
        "pixel_ap": pixel,
    }
    return {name: reason for name, reason in found.items() if reason}


def _pose_row(folder: report.CategoryFolder, view: View) -> report.PoseRow:
    record = folder.results[view.name]
    matrix = np.asarray(record["camera_from_world"], np.float32)
    return report.PoseRow(view.name, matrix, str(record["outcome"]))


def _pose_errors(
    rows: list[report.PoseRow],
    true: dict[str, np.ndarray] | None,
    center: np.ndarray,
) -> tuple[dict[str, tuple[float, float]], report.PoseSummary | None]:
    if true is None:
        return {}, None
    estimated = {row.name: row.camera_from_world for row in rows}
    known = {name: true[name] for name in estimated if name in true}
    if not known:
        return {}, None
    errors = {
        name: (
            float(np.degrees(metrics.rotation_error(estimated[name], matrix))),
            metrics.relative_translation_error(estimated[name], matrix, center),
        )
        for name, matrix in known.items()
    }
    summary = metrics.pose_summary(estimated, known, center)
    return errors, report.PoseSummary(**summary)


def _masks(views: list[View], shape: tuple[int, ...]) -> Bool[np.ndarray, "n h w"]:
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
    objects: ObjectSet,
    held_out: tuple[View, ...],
    true: dict[str, np.ndarray] | None,
    fitted: scenes.Fitted,
    found: detection.Detected,
) -> float | None:
    """Returns the mean PSNR of good views that the fit did not see, at true poses."""
    posed: list[tuple[View, np.ndarray]] = []
    if true is not None:
        good = [v for v in objects.test if v.defect_type == GOOD and v.name in true]
        posed = [(view, true[view.name]) for view in good]
    if not posed:
        posed = [
            (view, np.asarray(view.camera.camera_from_world))
            for view in held_out
            if view.camera is not None
        ]
    if not posed:
        return None
    matrices = jnp.asarray(np.stack([matrix for _, matrix in posed]))
    renders = np.asarray(methods.render_twin(found.twin, matrices))
    behind = np.asarray(found.twin.background)
    values = [
        metrics.psnr(image, methods.photograph(view, behind))
        for image, (view, _) in zip(renders, posed, strict=True)
    ]
    return float(np.mean(values))


def report_part(result: Result) -> report.CategoryReport:
    """Returns the category's part of the page."""
    return report.CategoryReport(
        result.objects.name,
        _rows(result),
        (0.0, 1.0),
        result.threshold,
        f"the highest of the good views, among {CALIBRATION_VIEWS} that the fit never "
        "saw, whose pose was found",
        result.objects.warnings,
    )


def _rows(result: Result) -> Iterator[report.QueryRow]:
    behind = np.asarray(result.objects.background or (1.0, 1.0, 1.0), np.float32)
    span = max(result.high - result.low, 1e-12)
    for view in result.views:
        record = result.folder.results[view.name]
        arrays = result.folder.load_arrays(view.name)
        values = (arrays["map"] - result.low) / span
        finite = bool(np.isfinite(values).all())
        code = pose.Outcome(int(str(record["outcome_code"])))
        rotation, translation = result.errors.get(view.name, (None, None))
        yield report.QueryRow(
            name=view.name,
            defect_type=view.defect_type,
            photo=methods.photograph(view, behind),
            score=float(values.max()) if finite else None,
            pose_outcome=pose.OUTCOME_TEXT[code],
            pose_failed=code in (pose.Outcome.NONFINITE, pose.Outcome.OUT_OF_VIEW),
            render=arrays["render"].astype(np.float32) / 255,
            anomaly_map=values if finite else None,
            mask=view.mask,
            rotation_deg=rotation,
            translation_rel=translation,
        )
