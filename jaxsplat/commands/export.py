"""Writes an object with its anomaly for other programs: `python -m experiments.export`.

    python -m experiments.export DETECTOR_OR_RUN --out=exports

What photographs say of the object is put together on its Gaussians: of a run all
queries, or one with --query; of a detector the photographs in --images, which show one
part. Written are the scene, `scene.ply`, `scene.splat`; its copy in the anomaly's
colours, `anomaly.ply`, `anomaly.splat`; and the object on a turntable, `turntable.mp4`.
Both PLY files hold `anomaly`, and `expected_residual` where the method expects one, for
every Gaussian. `export.json` leads from the user's coordinates to theirs.
"""

import dataclasses
import pathlib

import numpy as np

from jaxsplat import report
from jaxsplat.commands import flags, opened
from jaxsplat.commands.opened import OpenConfig
from jaxsplat.core import cameras
from jaxsplat.report import files
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.viewing import Exhibit, exhibit, exports, painting, placing


@dataclasses.dataclass(frozen=True)
class Config(OpenConfig):
    """Settings of an export; each is a flag."""

    out: str = flags.option("exports", "folder for the files")
    query: str | None = flags.option(
        None, "photograph of a run whose anomaly is written; all together by default"
    )
    frames: int = flags.option(
        120, "of the turntable video; 0 for none", lower=0, upper=10_000
    )
    frames_per_second: float = flags.option(24.0, "of the video", lower=1.0)
    side: int = flags.option(
        512, "longer side of the video in pixels, up to the training views'", lower=32
    )


def main(config: Config) -> int:
    """Writes the files and returns the exit code."""
    out = pathlib.Path(config.out)
    with report.Progress() as progress:
        shown = opened.open_exhibit(config, progress)
        shots = opened.chosen(shown, config.query)
        twin, threshold = shown.detector.twin, shown.detector.threshold
        values = exhibit.anomalies(
            shown,
            shots,
            lambda number: progress.update("anomaly", number, len(shots)),
        )
        top = exhibit.hottest(threshold, values)
        colors = painting.by_anomaly(twin.gaussians, values, 0.0, top)
        colored = painting.painted(twin.gaussians, colors)
        properties = {"anomaly": values}
        residual = exhibit.expected_residual(shown)
        if residual is not None:
            properties["expected_residual"] = residual
        written = exports.write_scenes(out, twin.gaussians, colored, properties)
        if config.frames:
            written.append(_video(config, out, shown, colored, progress))
        _write_record(out, shown, [shot.name for shot in shots], top, written)
        progress.clear()
        for path in written:
            progress.say(str(path))
    return 0


def _video(
    config: Config,
    out: pathlib.Path,
    shown: Exhibit,
    colored: Gaussians,
    progress: report.Progress,
) -> pathlib.Path:
    twin = dataclasses.replace(shown.detector.twin, gaussians=colored)
    center = np.asarray(twin.center, np.float64)
    views = placing.turntable(
        # A video's sides are even numbers of pixels.
        placing.even(cameras.limited(twin.camera, config.side)),
        center,
        placing.up_of(shown.cameras),
        placing.usual_distance(shown.cameras, center),
        config.frames,
    )
    pictures = exports.frames(
        twin, views, lambda number: progress.update("video", number, len(views))
    )
    path = out / "turntable.mp4"
    exports.write_video(path, pictures, config.frames_per_second)
    return path


def _write_record(
    out: pathlib.Path,
    shown: Exhibit,
    used: list[str],
    top: float,
    written: list[pathlib.Path],
) -> None:
    world = shown.detector.world
    record = {
        "object": shown.name,
        "photographs": used,
        "threshold": shown.detector.threshold,
        "hottest": top,
        "world": {
            "formula": "inside = (user - center) * scale",
            "center": world.center,
            "scale": world.scale,
        },
        "files": [path.name for path in written],
    }
    files.write_json(out / "export.json", record)
