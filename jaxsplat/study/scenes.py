"""The scene of a category: fitted, or read back from an earlier run."""

import dataclasses
import typing
from collections.abc import Sequence

import numpy as np

from jaxsplat import fitting, methods, report
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.methods.twin import Twin
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import files
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene import ply
from jaxsplat.scene.gaussians import Gaussians


@typing.runtime_checkable
class Settings(typing.Protocol):
    """What a fit depends on, of a command's config."""

    @property
    def preset(self) -> methods.Preset: ...
    @property
    def seed(self) -> int: ...
    @property
    def backend(self) -> Backend | None: ...


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A scene and what its fit took."""

    gaussians: Gaussians
    center: np.ndarray
    seconds: float
    compile_seconds: float
    count: int


def make_twin(
    fitted: Fitted,
    views: Sequence[View],
    objects: ObjectSet,
    backend: Backend | None,
) -> Twin:
    """Returns the twin of a category whose scene was fitted to the views."""
    return methods.make_twin(
        fitted.gaussians,
        views,
        objects.intrinsics,
        fitted.center,
        objects.background,
        backend,
    )


def fit_or_read(
    views: Sequence[View],
    objects: ObjectSet,
    config: Settings,
    folder: report.CategoryFolder,
    progress: report.Progress,
) -> Fitted:
    """Returns the category's scene, fitting it unless the folder holds it already."""
    if not (folder.scene_path.exists() and folder.fit_path.exists()):

        def watch(state: fitting.FitProgress) -> None:
            numbers = {"psnr": state.psnr, "gaussians": state.gaussians}
            progress.update("fit", state.step, state.steps, **numbers)

        settings = fitting.preset(config.preset, max(views[0].image.shape[:2]))
        progress.update("fit", 0, settings.steps)
        result = fitting.fit(
            views,
            objects.background,
            settings,
            seed=config.seed,
            backend=config.backend,
            watch=watch,
        )
        # The scene goes first: the numbers' file says that both are complete.
        ply.write_ply(folder.scene_path, result.gaussians)
        record = {
            "center": [float(x) for x in result.center],
            "seconds": result.seconds,
            "compile_seconds": result.compile_seconds,
            "train_psnr": result.psnr,
        }
        files.write_json(folder.fit_path, record)
    stored = typing.cast(dict, files.read_json(folder.fit_path))
    # Read back even right after fitting, so that a resumed run sees the same numbers.
    cloud = ply.read_ply(folder.scene_path)
    return Fitted(
        cloud,
        np.asarray(stored["center"]),
        float(stored["seconds"]),
        float(stored["compile_seconds"]),
        scene.count(cloud),
    )
