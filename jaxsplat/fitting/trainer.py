"""From posed views to a scene."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np

from jaxsplat.data.views import View
from jaxsplat.errors import DataError
from jaxsplat.fitting import beginning, targets
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.loop import Loop, view_order
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene import hull
from jaxsplat.scene.gaussians import Gaussians


@dataclasses.dataclass(frozen=True)
class FitProgress:
    """Where a fit stands: step of steps, PSNR of the last views, live Gaussians."""

    step: int
    steps: int
    psnr: float
    gaussians: int


@dataclasses.dataclass(frozen=True)
class FitResult:
    """A fitted scene.

    Attributes:
        gaussians: the cloud.
        center: the point that the views look at, [3].
        seconds: time of fitting, without compilation.
        compile_seconds: time of compilation.
        psnr: of the training views during the last steps, in dB.
    """

    gaussians: Gaussians
    center: np.ndarray
    seconds: float
    compile_seconds: float
    psnr: float


def fit(
    views: Sequence[View],
    background: tuple[float, float, float],
    config: FitConfig,
    *,
    seed: int = 0,
    backend: Backend | None = None,
    watch: Callable[[FitProgress], None] | None = None,
    background_is_plain: bool = True,
) -> FitResult:
    """Returns the scene that posed views show.

    Args:
        views: two or more posed views of one size.
        background: RGB behind the object: the photographs' own, or what they are put
            over where they have alpha.
        config: settings; see `jaxsplat.fitting.PRESETS`.
        seed: of everything random.
        backend: of the renderer.
        watch: called now and then with the progress.
        background_is_plain: false where photographs without alpha show more than the
            object and the background's colour, so that the object's outline is unknown.

    Raises:
        ConfigError: a stage makes images too small, or the backend cannot run here.
        DataError: fewer than two views, a view without pose or with NaN, or only some
            views have alpha.
        NumericsError: loss or gradients stop being finite.
    """
    if len(views) < 2:
        raise DataError(f"{len(views)} training view(s): expected 2 or more")
    begin = time.monotonic()
    rng = np.random.default_rng(seed)
    cameras = beginning.posed_cameras(views)
    masks = targets.silhouettes(views, background, background_is_plain)
    state = fit_state.initial(beginning.start(views, masks, config, rng))
    loop = Loop(
        config,
        beginning.camera_extent(cameras),
        background,
        resolve_backend(backend),
        seed,
    )
    psnr = math.nan
    for stage in config.stages:
        found = loop.stage(
            state,
            targets.make_targets(views, masks, background, stage.scale),
            view_order(rng, len(views), stage.steps),
            config.stages[-1].scale / stage.scale,
        )
        for state, psnr in found:
            if watch:
                step, live = int(state.step), scene.count(state.gaussians)
                watch(FitProgress(step, config.steps, psnr, live))
    jax.block_until_ready(state)
    return FitResult(
        state.gaussians,
        hull.view_center(cameras),
        time.monotonic() - begin - loop.compile_seconds,
        loop.compile_seconds,
        psnr,
    )
