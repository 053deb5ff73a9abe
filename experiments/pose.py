"""Benchmark of poses: `python -m experiments.pose`.

For each category, with the scene that `experiments.mad` left in its run folder (or a
fit, which is kept): coarse starts and both solvers from the same starts, errors and
seconds; then the same photographs disturbed. Writes `pose.json` and prints a table.
Seconds are without compilation.
"""

import dataclasses
import pathlib
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments import disturbances, fitting, flags, queries
from experiments.category import CALIBRATION_VIEWS
from jaxsplat import data, methods, metrics, pose, report
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.records import GOOD, ObjectSet, View
from jaxsplat.errors import DataError
from jaxsplat.methods.twin import Twin
from jaxsplat.render.backends import Backend
from jaxsplat.report import files

_STARTS = 4
_SECONDS = "seconds_per_query"


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder of objects, or one object; the bundled sample by default"
    )
    categories: tuple[str, ...] = flags.option((), "objects to measure; all by default")
    out: str = flags.option("runs/pose", "folder for scenes and results", free=True)
    preset: methods.Preset = flags.option("fast", "of the fit")
    seed: int = flags.option(0, "of everything random", lower=0)
    size: int | None = flags.option(
        None, "longer image side in pixels; the files' own by default", lower=16
    )
    max_queries: int | None = flags.option(
        16, "measure at most this many, evenly from every test type", lower=1
    )
    adam_steps: int = flags.option(175, "of adam_screw, 0 leaves it out", lower=0)
    disturb: bool = flags.option(True, "whether to disturb the photographs too")
    backend: Backend | None = flags.option(
        None, "renderer; the best that runs here by default"
    )


@dataclasses.dataclass(frozen=True)
class Posed:
    """Photographs and where they were taken."""

    photos: Float[np.ndarray, "b h w 3"]
    poses: Float[np.ndarray, "b 4 4"]
    camera: Camera


def main(config: Config) -> None:
    """Measures every category."""
    paths = data.resolve_categories(
        config.data_dir or data.sample_dir(), config.categories
    )
    settings = dataclasses.asdict(config)
    # Scenes are kept; how many queries are measured does not change them.
    free = frozenset(settings) - {"preset", "seed", "size"}
    results = {}
    with (
        report.RunFolder(config.out, settings, resume=True, free=free) as run,
        report.Progress() as progress,
    ):
        for path in paths:
            objects = data.load_object(path, size=config.size)
            folder = run.category(objects.name)
            results[objects.name] = _measure(path, objects, config, folder, progress)
        target = pathlib.Path(config.out) / "pose.json"
        record = {"device": jax.devices()[0].device_kind, "categories": results}
        files.write_json(target, record)
        progress.clear()
        progress.say(table(results))
        progress.say(f"results: {target}")


def _measure(
    path: pathlib.Path,
    objects: ObjectSet,
    config: Config,
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> dict[str, dict[str, float]]:
    fitted_views, _ = queries.hold_out(objects.train, CALIBRATION_VIEWS)
    fitted = fitting.fit_or_read(fitted_views, objects, config, folder, progress)
    twin = methods.make_twin(
        fitted.gaussians,
        fitted_views,
        objects.intrinsics,
        fitted.center,
        objects.background,
        config.backend,
    )
    views = queries.choose_queries(objects.test, config.max_queries)
    plain = _posed(path, views, twin)
    good = np.array([view.defect_type == GOOD for view in views])
    rows = {}
    _coarse(twin, plain)
    starts, seconds = _timed(lambda: _coarse(twin, plain))
    rows["coarse"] = _row(starts[:, 0], plain, fitted.center, good, seconds)
    progress.note(f"{objects.name}: lm")
    _lm(twin, plain, starts, twin.capacity)
    found, seconds = _timed(lambda: _lm(twin, plain, starts, twin.capacity))
    rows["lm"] = _row(found, plain, fitted.center, good, seconds)
    if config.adam_steps:
        progress.note(f"{objects.name}: adam_screw")
        _adam(twin, plain, starts, 0, config.seed)
        found, seconds = _timed(
            lambda: _adam(twin, plain, starts, config.adam_steps, config.seed)
        )
        rows["adam_screw"] = _row(found, plain, fitted.center, good, seconds)
    for kind, change in disturbances.CHANGES.items() if config.disturb else ():
        progress.note(f"{objects.name}: {kind}")
        posed = _disturbed(plain, change, np.asarray(twin.background), config.seed)
        # A nearer object takes longer lists.
        found = _lm(twin, posed, _coarse(twin, posed), None)
        rows[kind] = _row(found, posed, fitted.center, good)
    return rows


def _posed(path: pathlib.Path, views: tuple[View, ...], twin: Twin) -> Posed:
    known = {v.name: np.asarray(v.camera.camera_from_world) for v in views if v.camera}
    true = known or data.read_test_poses(path)
    if true is None or not {view.name for view in views} <= set(true):
        raise DataError(f"{path}: found no true test poses, which errors need")
    behind = np.asarray(twin.background)
    photos = np.stack([methods.photograph(view, behind) for view in views])
    return Posed(photos, np.stack([true[view.name] for view in views]), twin.camera)


def _disturbed(
    plain: Posed,
    change: disturbances.Change,
    background: Float[np.ndarray, "3"],
    seed: int,
) -> Posed:
    rng = np.random.default_rng(seed)
    photos, poses = [], []
    for photo, matrix in zip(plain.photos, plain.poses, strict=True):
        camera = cameras.with_pose(plain.camera, jnp.asarray(matrix))
        changed, after = disturbances.disturb(photo, camera, change, background, rng)
        photos.append(changed)
        poses.append(np.asarray(after.camera_from_world))
    camera = disturbances.zoomed(plain.camera, change)
    return Posed(np.stack(photos), np.stack(poses), camera)


def _coarse(twin: Twin, posed: Posed) -> jax.Array:
    photos = jnp.asarray(posed.photos)
    found = pose.find_starts(twin.gallery, posed.camera, photos, _STARTS)
    return jax.block_until_ready(found[0])


def _lm(twin: Twin, posed: Posed, starts: jax.Array, capacity: int | None) -> jax.Array:
    found = pose.refine_lm(
        twin.gaussians,
        posed.camera,
        jnp.asarray(posed.photos),
        starts,
        center=twin.center,
        background=twin.background,
        backend=twin.backend,
        capacity=capacity,
    )
    return jax.block_until_ready(found.camera_from_world)


def _adam(
    twin: Twin, posed: Posed, starts: jax.Array, steps: int, seed: int
) -> jax.Array:
    found = pose.refine_adam_screw(
        twin.gaussians,
        posed.camera,
        jnp.asarray(posed.photos),
        starts,
        key=jax.random.key(seed),
        center=twin.center,
        background=twin.background,
        config=pose.AdamScrewConfig(steps=steps),
        backend=twin.backend,
        capacity=twin.capacity,
    )
    return jax.block_until_ready(found.camera_from_world)


def _timed(work: Callable[[], jax.Array]) -> tuple[jax.Array, float]:
    """Returns the result and the seconds of work that is compiled already."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def _row(
    found: jax.Array,
    posed: Posed,
    center: Float[np.ndarray, "3"],
    good: np.ndarray,
    seconds: float | None = None,
) -> dict[str, float]:
    pairs = list(zip(np.asarray(found), posed.poses, strict=True))
    turn = np.degrees([metrics.rotation_error(a, b) for a, b in pairs])
    shift = np.array(
        [metrics.relative_translation_error(a, b, center) for a, b in pairs]
    )
    some = good if good.any() else np.ones_like(good)
    row = {
        "rotation_deg_median": float(np.median(turn)),
        "rotation_deg_mean": float(np.mean(turn)),
        "rotation_deg_p95": float(np.percentile(turn, 95)),
        "translation_rel_median": float(np.median(shift)),
        "translation_rel_mean": float(np.mean(shift)),
        "translation_rel_p95": float(np.percentile(shift, 95)),
        "good_rotation_deg_median": float(np.median(turn[some])),
        "good_translation_rel_median": float(np.median(shift[some])),
        "success_rate": float(np.mean((turn < 1) & (shift < 0.01))),
        "queries": len(pairs),
    }
    if seconds is not None:
        row[_SECONDS] = seconds / len(pairs)
    return row


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Returns the results as text, a line for each category and way."""
    lines = [
        f"{'category':<14}{'':<12}{'rot. deg':>9}{'p95':>8}{'transl. %':>10}{'p95':>8}"
        f"{'ok %':>7}{'s/query':>9}"
    ]
    for name, rows in results.items():
        for way, row in rows.items():
            lines.append(
                f"{name:<14}{way:<12}{row['rotation_deg_median']:>9.3f}"
                f"{row['rotation_deg_p95']:>8.2f}"
                f"{100 * row['translation_rel_median']:>10.3f}"
                f"{100 * row['translation_rel_p95']:>8.2f}"
                f"{100 * row['success_rate']:>7.1f}"
                + (f"{row[_SECONDS]:>9.3f}" if _SECONDS in row else "")
            )
    return "\n".join(lines)


if __name__ == "__main__":
    flags.run(main, Config)
