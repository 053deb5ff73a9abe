"""From posed views to a scene."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging
from jaxtyping import Bool

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.fitting import (
    beginning,
    checkpoints,
    exposures,
    pacing,
    support,
    targets,
)
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.checkpoints import Standing, Store
from jaxsplat.fitting.config import FitConfig, Stage
from jaxsplat.fitting.loop import Loop, view_order
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.stopping import Least, Plateau
from jaxsplat.fitting.watching import FitProgress, Watcher
from jaxsplat.learning.checkpoints import Checkpoint
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.rendering.sampling import usual_sampling_rate
from jaxsplat.scene import hull
from jaxsplat.scene.gaussians import Gaussians

# A fit that takes longer than this times what it was given says so.
_LATE = 1.1


@dataclasses.dataclass(frozen=True)
class FitResult:
    """A fitted scene.

    Attributes:
        gaussians: the cloud.
        center: the point that the views look at, [3].
        seconds: time of fitting, without compilation, over all processes that it took.
        compile_seconds: time of compilation, likewise.
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
    checkpoint: Checkpoint | None = None,
    keep_end: bool = False,
    background_is_plain: bool = True,
    seconds: float | None = None,
    unseen: Sequence[View] = (),
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
        checkpoint: where the fit is saved, now and then and at a KeyboardInterrupt; one
            that was killed goes on from there, to the same bits. None saves nothing.
        keep_end: whether its end is saved there too, for a fit that another one builds
            upon: whoever asks for it again has it without a step.
        background_is_plain: false where photographs without alpha show more than the
            object and the background's colour, so that the object's outline is unknown.
        seconds: that the fit may take, compilation included. Where its steps would take
            longer there are fewer, and what it finds depends on the machine. None for
            no limit.
        unseen: more posed views, with alpha, that only tell when the fit has nothing
            more to gain; see `FitConfig.patience`.

    Raises:
        ConfigError: a stage makes images too small, the backend cannot run here, or
            `seconds` is not positive.
        DataError: fewer than two views, a view without pose or with NaN, or only some
            views have alpha.
        NumericsError: loss or gradients stop being finite.
    """
    if len(views) < 2:
        raise DataError(f"{len(views)} training view(s): expected 2 or more")
    if seconds is not None and not seconds > 0:
        raise ConfigError(f"seconds: found {seconds}, expected a number above 0")
    begin = time.monotonic()
    rng = np.random.default_rng(seed)
    cameras = posed_cameras(views)
    masks = targets.silhouettes(views, background, background_is_plain)
    start = fit_state.initial(beginning.start(views, masks, config, rng), len(views))
    # What is random on the host is drawn before the first step: nothing of it is saved.
    orders = [view_order(rng, len(views), stage.steps) for stage in config.stages]
    center = hull.view_center(cameras)
    loop = Loop(
        config,
        beginning.camera_extent(cameras),
        1 / float(usual_sampling_rate(cameras, jnp.asarray(center))),
        background,
        resolve_backend(backend),
        seed,
    )
    standing = Standing(start, math.nan, 0, 0.0, 0.0, Least())
    store = None
    if checkpoint:
        told = (config, background, background_is_plain, seed, loop.backend, seconds)
        store = Store(checkpoint, checkpoints.fingerprint((*views, *unseen), told))
        standing = store.latest(start) or standing
        loop.compile_seconds = standing.compile_seconds
        begin -= standing.seconds
    plateau = Plateau(unseen, background, config, loop.backend, standing.least)
    distance = beginning.camera_distance(cameras, center)
    watcher = Watcher(loop, plateau, config.steps, begin, store, watch)
    kept = masks if config.keep_to_outlines else None
    cleaner = _Cleaner(kept, cameras, distance)
    remaining = list(_remaining(config.stages, orders, standing))
    for place, (stage, order, capacity) in enumerate(remaining):
        state = standing.state
        reduced = targets.make_targets(views, masks, background, stage.scale)
        smaller = config.stages[-1].scale / stage.scale
        if not capacity:
            state = cleaner(state)
            if config.exposure and reduced.has_alpha and int(state.step):
                state = exposures.measured(state, reduced, loop.backend, smaller)
        allowed = None
        if seconds is not None:
            # The last stage is cleaned as well.
            left = seconds - (time.monotonic() - begin) - cleaner.seconds
            allowed = left * pacing.share_of([each[0] for each in remaining[place:]])
        intervals = loop.stage(state, reduced, order, smaller, capacity, allowed)
        standing = watcher.follow(intervals, standing)
    found = jax.block_until_ready(cleaner(standing.state)).gaussians
    spent = time.monotonic() - begin
    if store and keep_end:
        store.save_end(dataclasses.replace(standing, seconds=spent), config.steps)
    _tell_if_late(spent, seconds, loop.compile_seconds)
    return FitResult(
        found,
        center,
        spent - loop.compile_seconds,
        loop.compile_seconds,
        standing.psnr,
    )


class _Cleaner:
    """Takes away what no silhouette supports, and knows how long that takes."""

    def __init__(
        self,
        masks: Bool[np.ndarray, "v h w"] | None,
        cameras: Camera,
        distance: float,
    ) -> None:
        self.masks, self.cameras, self.distance = masks, cameras, distance
        self.seconds = 0.0

    def __call__(self, state: FitState) -> FitState:
        if self.masks is None:
            return state
        begin = time.monotonic()
        state = support.only_supported(state, self.masks, self.cameras, self.distance)
        self.seconds = time.monotonic() - begin
        return state


def _tell_if_late(spent: float, seconds: float | None, compiling: float) -> None:
    """Warns of a fit that took longer than it was given."""
    if seconds is not None and spent > _LATE * seconds:
        logging.warning(
            "the fit took %.0f s, more than the %.0f s that it was given: %.0f s of it "
            "were compilation",
            spent,
            seconds,
            compiling,
        )


def _remaining(
    stages: Sequence[Stage], orders: Sequence[np.ndarray], standing: Standing
) -> Iterator[tuple[Stage, np.ndarray, int | None]]:
    """Yields each stage that is not over, with the views of the steps that it lacks.

    The last value is the capacity that a stage under way goes on with, None at a
    stage's start.
    """
    first, step = 0, int(standing.state.step)
    for stage, order in zip(stages, orders, strict=True):
        done = max(step - first, 0)
        if done == 0:
            yield stage, order, None
        elif done < stage.steps:
            yield stage, order[done:], standing.capacity
        first += stage.steps
