"""The detector of one object: fitted, saved, loaded, and asked about photographs."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from jaxsplat.data.lens import Lens
from jaxsplat.data.views import ObjectSet
from jaxsplat.data.world import World
from jaxsplat.errors import ConfigError
from jaxsplat.fitting import FitConfig, FitProgress
from jaxsplat.methods import inspecting, one_part, preparing, saving
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.methods.inspection import Inspection
from jaxsplat.methods.method import Method, Preset
from jaxsplat.methods.one_part import PartInspection, PartVerdict
from jaxsplat.methods.preparing import Fitted
from jaxsplat.methods.quality import Quality
from jaxsplat.methods.registry import find_method
from jaxsplat.methods.scene_fit import FitSettings, OnForeground
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.twin import Twin


class _Fit:
    """`Detector.fit(objects)` makes a detector, `detector.fit(objects)` fits that one.

    So scikit-learn's way, settings first and then `fit`, and the short way are one.
    """

    def __get__(
        self, detector: "Detector | None", kind: type["Detector"]
    ) -> Callable[..., "Detector"]:
        if detector is not None:
            return detector._fit

        def fit(
            objects: ObjectSet,
            method: str | Method = "best",
            *,
            watch: Callable[[FitProgress], None] | None = None,
            on_foreground: OnForeground | None = None,
            checkpoint: pathlib.Path | None = None,
            **settings: Any,
        ) -> "Detector":
            made = kind(method, **settings)
            return made._fit(
                objects,
                watch=watch,
                on_foreground=on_foreground,
                checkpoint=checkpoint,
            )

        fit.__doc__ = kind._fit.__doc__
        return fit


class Detector:
    """Finds defects in photographs of one object, taken from unknown poses.

        detector = Detector.fit(load_object("my_part"))
        for found in detector.inspect(["a.jpg", "b.jpg"]):
            print(found.score, found.defective)

    In all scores and maps higher is worse.

    Attributes:
        method: how photographs are inspected.
        fitted: what the fit took and gave, None before.
    """

    fit = _Fit()

    def __init__(
        self,
        method: str | Method = "best",
        *,
        preset: Preset = "best",
        fit_config: FitConfig | None = None,
        seed: int = 0,
        backend: Backend | None = None,
        calibration_views: int = 20,
        fit_seconds: float | None = None,
    ) -> None:
        """Keeps the settings; `fit` does the work.

        Args:
            method: a method, or the name of one (`methods.METHODS`).
            preset: of the fit, and of a method that is named: "fast", "best" (sharper,
                three times as long) or "paper".
            fit_config: of the fit; what the preset says for the images' size when None.
            seed: of everything random.
            backend: of the renderer; the best that runs here when None.
            calibration_views: good views that the fit does not see, to tell what scores
                mean; at most a tenth of all.
            fit_seconds: that the fit may take, compilation included; a fit that would
                take longer has fewer steps. None for no limit.

        Raises:
            ConfigError: there is no such method or preset, or a number is refused.
        """
        if isinstance(method, str):
            method = find_method(method, preset)
        self.method = method
        self.fitted: Fitted | None = None
        self._settings = FitSettings(
            preset, fit_config, seed, backend, calibration_views, fit_seconds
        )
        self._known: Prepared | None = None

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], *, backend: Backend | None = None
    ) -> "Detector":
        """Returns a detector that gives the same numbers as the one that was saved.

        A `fit_config` of one's own is not kept: it is needed for another fit alone.

        Args:
            folder: that `save` wrote.
            backend: of the renderer; the best that runs here when None.

        Raises:
            DataError: the folder holds no detector, or a damaged one.
        """
        known, settings = saving.load(folder, backend)
        detector = cls(
            settings["method"],
            preset=settings["preset"],
            seed=settings["seed"],
            backend=backend,
        )
        detector._known, detector.fitted = known, settings["fitted"]
        return detector

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes scene.ply, detector.json and arrays.safetensors into a folder.

        `scene.ply` holds inside coordinates, which float32 resolves wherever the user's
        origin is; `world` in detector.json leads from the user's to them.

        Raises:
            ConfigError: the detector is not fitted, or has parts that are not storable.
        """
        saving.save(
            folder,
            self._prepared,
            {
                "method": self.method,
                "preset": self._settings.preset,
                "seed": self._settings.seed,
                "fitted": self.fitted,
            },
        )

    @property
    def twin(self) -> Twin:
        """The fitted object, in inside coordinates; see `world`."""
        return self._prepared.twin

    @property
    def world(self) -> World:
        """How the user's coordinates become those of `twin`."""
        return self._prepared.world

    @property
    def by_background(self) -> bool:
        """Whether a plain background tells where photographs show the object."""
        return self._prepared.by_background

    @property
    def lens(self) -> Lens | None:
        """The lens of photographs, with its distortion; None where none was stated."""
        return self._prepared.lens

    @property
    def threshold(self) -> float | None:
        """Score above which a photograph is defective, None where that is not known."""
        return self.method.calibrate.threshold(self._prepared.calibration)

    @property
    def guarantee(self) -> float | None:
        """Share of good photographs that count as defective, at most, in the mean.

        None where that is not known; see `scores.Conformal`.
        """
        return self.method.calibrate.guarantee(self._prepared.calibration)

    @property
    def quality(self) -> Quality | None:
        """What good views that the fit did not see tell of it."""
        return self._prepared.quality

    @property
    def compared_by(self) -> Any:
        """What the method's comparison learnt of the object, see `scores.Compare`."""
        return self._prepared.states.compare

    @property
    def unfit(self) -> str:
        """Why no verdict is given about any photograph, "" where verdicts are given."""
        return self.quality.unfit if self.quality else ""

    def inspect(
        self, photos: Iterable[Any], *, level_maps: bool = False
    ) -> list[Inspection]:
        """Returns the finding about each photograph, in their order.

        A photograph's numbers do not depend on the others. One that fails (unreadable,
        not finite, object not in view, pose ambiguous) has that outcome and no verdict.

        Args:
            photos: any number, of one size or mixed: paths, the bytes of PNG or JPEG
                files, arrays [h, w, 3] of uint8 or of numbers in [0, 1], [h, w, 4] with
                alpha, or `View`s. All but `View`s are as the camera took them: the
                distortion of the training views' lens is taken out here. `View`s have
                none any more. One of another lens, or a part of a photograph, says so:
                `View(name, image, intrinsics=Camera(...))`, a pinhole for its size.
            level_maps: whether to tell the map of every level that the comparison
                joins too; by another program, which is compiled then.

        Raises:
            ConfigError: `level_maps` of a method whose comparison has one level.
        """
        method = self.method
        if level_maps:
            method = dataclasses.replace(method, level_maps=True)
        return inspecting.inspect(method, self._prepared, _listed(photos))

    def inspect_part(self, photos: Iterable[Any]) -> PartInspection:
        """Returns one finding about a part that all photographs show.

        Its score is the highest of theirs, and its threshold that of as many
        photographs. Photographs that have no verdict of their own take no part.

        Args:
            photos: as in `inspect`, from any sides.
        """
        return one_part.inspect_part(self.method, self._prepared, _listed(photos))

    def judge_part(self, scores: Sequence[float]) -> PartVerdict:
        """Returns what the scores of a part's photographs mean together.

        It is the verdict of `inspect_part`, for photographs that are inspected already.

        Args:
            scores: of those that have a verdict of their own.
        """
        return one_part.judge(self.method.calibrate, self._prepared.calibration, scores)

    def score_samples(self, photos: Iterable[Any]) -> Float[np.ndarray, " n"]:
        """Returns the anomaly score of each photograph, NaN where it has none.

        Unlike scikit-learn's outlier detectors, higher is worse, as everywhere here.
        """
        return np.array([found.score for found in self.inspect(photos)], np.float32)

    def predict(self, photos: Iterable[Any]) -> Int[np.ndarray, " n"]:
        """Returns 1 for good photographs, -1 for defective ones, 0 without verdict."""
        told = {None: 0, False: 1, True: -1}
        return np.array([told[found.defective] for found in self.inspect(photos)], int)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the settings by name, as scikit-learn's estimators do.

        Args:
            deep: whether to list the method's settings too, as `method__part__setting`.
        """
        found = {"method": self.method, **vars(self._settings)}
        if deep:
            inner = self.method.get_params()
            found |= {f"method__{name}": value for name, value in inner.items()}
        return found

    def set_params(self, **params: Any) -> "Detector":
        """Changes settings, named as `get_params` does, and returns the detector.

        What was fitted with other settings is forgotten: call `fit` again.

        Raises:
            ConfigError: there is no such setting, or a value is refused.
        """
        mine = {name: params.pop(name) for name in list(params) if "__" not in name}
        unknown = set(mine) - {"method", *vars(self._settings)}
        unknown |= {name for name in params if not name.startswith("method__")}
        if unknown:
            raise ConfigError(
                f"{min(unknown)}: no such setting, expected one of "
                f"{', '.join(self.get_params())}"
            )
        settings = {**vars(self._settings), **mine}
        method = settings.pop("method", self.method)
        changed = type(self)(method, **settings)
        inner = {name.removeprefix("method__"): v for name, v in params.items()}
        changed.method = changed.method.set_params(**inner)
        if (changed.method, changed._settings) != (self.method, self._settings):
            self._known, self.fitted = None, None
        self.method, self._settings = changed.method, changed._settings
        return self

    def with_method(self, method: str | Method, objects: ObjectSet) -> "Detector":
        """Returns a detector of the same fitted twin with another method.

        Nothing is fitted: the method's parts prepare what they need, and its scores are
        calibrated, as after a fit.

        Args:
            method: a method, or the name of one.
            objects: what this detector was fitted to.

        Raises:
            ConfigError: this detector is not fitted, or was fitted to other views.
        """
        other = type(self)(method, **vars(self._settings))
        fitted, twin = self.fitted, self.twin
        assert fitted is not None
        other._known, other.fitted = preparing.prepare_again(
            other.method, self._settings, objects, twin, fitted
        )
        return other

    def compile(self) -> float:
        """Compiles for photographs like the training views; returns the seconds.

        `inspect` does so by itself; this is for those who want the first verdict soon.
        """
        return inspecting.prepare_programs(
            self.method, self._prepared, self._prepared.twin.camera
        )

    @property
    def _prepared(self) -> Prepared:
        if self._known is None:
            raise ConfigError(
                "the detector is not fitted with these settings: call fit"
            )
        return self._known

    def _fit(
        self,
        objects: ObjectSet,
        *,
        watch: Callable[[FitProgress], None] | None = None,
        on_foreground: OnForeground | None = None,
        checkpoint: pathlib.Path | None = None,
    ) -> "Detector":
        """Fits a detector to an object's training views and returns it.

        Some of the views are kept apart to tell what scores mean.

        Args:
            objects: from `load_object`; its test views are not looked at.
            method: as in `Detector` (of the class's `fit` alone, with all its other
                settings).
            watch: called now and then with the fit's progress.
            on_foreground: called before the fit with the training views and where the
                object was found in them, also when these are then refused.
            checkpoint: folder for an unfinished fit, from which the next call goes on.

        Raises:
            DataError: the views are not what a fit needs.
            NumericsError: the fit left the finite numbers.
        """
        self._known, self.fitted = preparing.fit(
            self.method, self._settings, objects, watch, on_foreground, checkpoint
        )
        return self


def _listed(photos: Iterable[Any]) -> Iterable[Any]:
    """Returns photographs that are not one path, which would be its letters."""
    if isinstance(photos, str | os.PathLike):
        raise ConfigError(f"photos: found one path, expected a list: [{photos!r}]")
    return photos
