"""The queries of a category: poses, renders and maps, each kept as it finishes."""

import dataclasses
import time
import typing
from collections.abc import Sequence

import numpy as np

from jaxsplat import features, methods, metrics, pose, report
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.methods.twin import Twin
from jaxsplat.study import scenes
from jaxsplat.study.scenes import Fitted

if typing.TYPE_CHECKING:
    from jaxsplat.commands.mad import Config

# A held-out good view takes part in the threshold when its pose is nearer than this.
CALIBRATION_ERROR_RAD = np.deg2rad(5.0)

_STAGES = ("coarse", "refine", "features")


@dataclasses.dataclass(frozen=True)
class Detected:
    """What inspection leaves besides the lines in the folder.

    Attributes:
        twin: the fitted object.
        calibration: raw image scores of the good views that the fit did not see and
            whose poses were found.
        seconds: where the time of the category went.
    """

    twin: Twin
    calibration: tuple[float, ...]
    seconds: report.Seconds


def run(
    fitted: Fitted,
    fitted_views: Sequence[View],
    held_out: Sequence[View],
    queries: Sequence[View],
    objects: ObjectSet,
    network: features.FeatureNetwork,
    config: "Config",
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> Detected:
    """Inspects every query that the folder does not hold yet."""
    begin = time.monotonic()
    twin = scenes.make_twin(fitted, fitted_views, objects, config.backend)
    method = methods.make_method(
        config.method, twin, network, config.preset, config.seed
    )
    gallery_seconds = time.monotonic() - begin
    behind = np.asarray(twin.background)
    sample = (*queries, *held_out, *fitted_views)[0]
    progress.update("compile", 0, 1)
    compile_seconds = method.compile(methods.photograph(sample, behind))

    todo = [view for view in queries if view.name not in folder.results]
    for first in range(0, len(todo), method.batch):
        progress.update("inspect", first, len(todo))
        batch = todo[first : first + method.batch]
        photos = np.stack([methods.photograph(view, behind) for view in batch])
        found = method.inspect(photos)
        for index, view in enumerate(batch):
            arrays = {
                "map": found.maps[index],
                "render": np.rint(255 * found.renders[index]).astype(np.uint8),
            }
            folder.append(view.name, _record(found, index, view), arrays)
    calibration = []
    for first in range(0, len(held_out), method.batch):
        progress.update("calibrate", first, len(held_out))
        batch = list(held_out[first : first + method.batch])
        photos = np.stack([methods.photograph(view, behind) for view in batch])
        found = method.inspect(photos)
        peaks = found.maps.max(axis=(1, 2))
        poses = np.asarray(found.estimate.camera_from_world)
        for view, peak, matrix in zip(batch, peaks, poses, strict=True):
            if np.isfinite(peak) and _pose_found(view, matrix):
                calibration.append(float(peak))
    seconds = report.Seconds(
        fit=fitted.seconds,
        gallery=gallery_seconds,
        per_query=_per_query(folder, queries),
        compile=fitted.compile_seconds + compile_seconds,
    )
    return Detected(twin, tuple(calibration), seconds)


def _pose_found(view: View, camera_from_world: np.ndarray) -> bool:
    """Returns whether a held-out view's search ended near its true pose.

    A view that was sought at a wrong pose says nothing about scores at right ones.
    """
    if view.camera is None:
        return False
    true = np.asarray(view.camera.camera_from_world)
    return metrics.rotation_error(camera_from_world, true) < CALIBRATION_ERROR_RAD


def _record(found: methods.Inspected, index: int, view: View) -> dict[str, object]:
    """Returns a query's line of results.jsonl; seconds are its share of the batch."""
    estimate = found.estimate
    outcome = pose.Outcome(int(estimate.outcome[index]))
    peak = float(found.maps[index].max())
    loss = float(estimate.loss[index])
    count = len(found.maps)
    return {
        "defect_type": view.defect_type,
        "raw_score": peak if np.isfinite(peak) else None,
        "outcome": outcome.name.lower(),
        "outcome_code": int(outcome),
        "loss": loss if np.isfinite(loss) else None,
        "steps": int(estimate.steps[index]),
        "camera_from_world": estimate.camera_from_world[index].tolist(),
        "seconds": {stage: found.seconds[stage] / count for stage in _STAGES},
    }


def _per_query(
    folder: report.CategoryFolder, queries: Sequence[View]
) -> report.QuerySeconds:
    rows = [typing.cast(dict, folder.results[v.name]["seconds"]) for v in queries]
    means = {
        stage: float(np.mean([row[stage] for row in rows])) if rows else 0.0
        for stage in _STAGES
    }
    return report.QuerySeconds(**means, total=sum(means.values()))
