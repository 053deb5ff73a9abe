"""From posed views to a scene."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras as camera_maths
from jaxsplat.core import ssim
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.fitting import density, targets
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.steps import StepReport, train_step
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene import hull, starts
from jaxsplat.scene.gaussians import Gaussians

# Steps between two looks at the reports: reading them back costs a synchronisation.
_INTERVAL = 50


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


def start(
    views: Sequence[View],
    background: tuple[float, float, float] | None,
    config: FitConfig,
    rng: np.random.Generator,
) -> Gaussians:
    """Returns the cloud that a fit begins with.

    "hull" needs a silhouette in every view; without, points are random, in the cube
    [-1.3, 1.3]^3 scaled to the cameras' distance (Kerbl's for NeRF-synthetic, whose
    cameras stand 4 from the origin).
    """
    cameras = posed_cameras(views)
    masks = targets.silhouettes(views, background) if config.start == "hull" else None
    if masks is not None:
        surface = hull.visual_hull(masks, cameras)
        images = np.stack([view.image for view in views])
        return starts.from_surface(
            surface,
            starts.facing_colors(surface, images, cameras),
            rng,
            config.count,
            capacity=config.capacity,
            opacity=config.start_opacity,
            sh_degree=config.sh_degree,
        )
    center = hull.view_center(cameras)
    points = starts.random_points(
        rng, config.count, center, 1.3 / 4 * camera_distance(cameras, center)
    )
    scales = starts.neighbour_distance(points)
    return starts.from_points(
        points,
        rng.uniform(size=points.shape).astype(np.float32),
        np.repeat(scales[:, None], 3, axis=1),
        capacity=config.capacity,
        opacity=config.start_opacity,
        sh_degree=config.sh_degree,
    )


def posed_cameras(views: Sequence[View]) -> Camera:
    """Returns the stack of the views' cameras.

    Raises:
        DataError: a view has no pose, or sizes differ.
    """
    posed = []
    for view in views:
        if view.camera is None:
            raise DataError(f"{view.name}: a training view has no pose")
        posed.append(view.camera)
    return camera_maths.stack(posed)


def camera_distance(cameras: Camera, center: np.ndarray) -> float:
    """Returns the median distance of the cameras from a point, in scene units."""
    pose = np.asarray(cameras.camera_from_world)
    local = pose[:, :3, :3] @ np.asarray(center, np.float32) + pose[:, :3, 3]
    return float(np.median(np.linalg.norm(local, axis=1)))


def camera_extent(cameras: Camera) -> float:
    """Returns 1.1 times the radius of the camera positions about their mean.

    Kerbl's scene extent, which scales learning rates and density thresholds.
    """
    pose = np.asarray(cameras.camera_from_world)
    eyes = -np.einsum("vji,vj->vi", pose[:, :3, :3], pose[:, :3, 3])
    return float(1.1 * np.linalg.norm(eyes - eyes.mean(axis=0), axis=1).max())


def fit(
    views: Sequence[View],
    background: tuple[float, float, float] | None,
    config: FitConfig,
    *,
    seed: int = 0,
    backend: Backend | None = None,
    watch: Callable[[FitProgress], None] | None = None,
) -> FitResult:
    """Returns the scene that posed views show.

    Args:
        views: two or more posed views of one size.
        background: RGB of their plain background, None where there is none.
        config: settings; see `jaxsplat.fitting.PRESETS`.
        seed: of everything random.
        backend: of the renderer.
        watch: called now and then with the progress.

    Raises:
        ConfigError: a stage makes images too small, or the backend cannot run here.
        DataError: fewer than two views, a view without pose or with NaN.
        NumericsError: loss or gradients stop being finite.
    """
    if len(views) < 2:
        raise DataError(f"{len(views)} training view(s): expected 2 or more")
    begin = time.monotonic()
    rng = np.random.default_rng(seed)
    cameras = posed_cameras(views)
    state = fit_state.initial(start(views, background, config, rng))
    run = _Run(config, camera_extent(cameras), resolve_backend(backend), seed)
    psnr = math.nan
    for stage in config.stages:
        stage_targets = targets.make_targets(views, background, stage.scale)
        run.minification = config.stages[-1].scale / stage.scale
        state, psnr = run.stage(state, stage_targets, stage.steps, rng, watch)
    jax.block_until_ready(state)
    seconds = time.monotonic() - begin - run.compile_seconds
    return FitResult(
        state.gaussians,
        hull.view_center(cameras),
        seconds,
        run.compile_seconds,
        psnr,
    )


class _Run:
    """The loop over steps; holds what stays the same and counts compilation."""

    def __init__(
        self, config: FitConfig, extent: float, backend: Backend, seed: int
    ) -> None:
        self.config = config
        self.extent = jnp.float32(extent)
        self.backend = backend
        self.key = jax.random.key(seed)
        self.compile_seconds = 0.0
        # How many times smaller the stage's images are than the last stage's.
        self.minification = 1.0
        # Image sizes and capacities that have had their first step.
        self.programs: set[tuple] = set()

    def stage(
        self,
        state: FitState,
        stage_targets: targets.Targets,
        steps: int,
        rng: np.random.Generator,
        watch: Callable[[FitProgress], None] | None,
    ) -> tuple[FitState, float]:
        """Returns the state after `steps` at one image size, and the last PSNR."""
        height, width = stage_targets.images.shape[1:3]
        if self.config.ssim_weight and min(width, height) < ssim.WINDOW:
            raise ConfigError(
                f"stages: one has images of {width}x{height} pixels, but SSIM needs "
                f"{ssim.WINDOW} a side; raise its scale or set ssim_weight to 0"
            )
        capacity = self._plan(state, stage_targets)
        first = int(state.step)
        order = _view_order(rng, stage_targets.images.shape[0], steps)
        reports: list[StepReport] = []
        psnr = math.nan
        for number, view in enumerate(order):
            step = first + number
            state, report = self._step(state, stage_targets, int(view), step, capacity)
            reports.append(report)
            state = density.control(state, step + 1, self.config, self.extent, self.key)
            if len(reports) == _INTERVAL or number + 1 == steps:
                psnr, needed = _read(reports, step)
                reports = []
                if needed > capacity:
                    capacity = self._plan(state, stage_targets)
                if watch:
                    live = scene.count(state.gaussians)
                    watch(FitProgress(step + 1, self.config.steps, psnr, live))
        return state, psnr

    def _plan(self, state: FitState, stage_targets: targets.Targets) -> int:
        return render.plan(state.gaussians, stage_targets.cameras)

    def _step(
        self,
        state: FitState,
        stage_targets: targets.Targets,
        view: int,
        step: int,
        capacity: int,
    ) -> tuple[FitState, StepReport]:
        program = (stage_targets.images.shape, capacity)
        begin = time.monotonic()
        result = train_step(
            state,
            stage_targets,
            jnp.int32(view),
            jax.random.fold_in(self.key, step),
            self.extent,
            config=self.config,
            backend=self.backend,
            capacity=capacity,
            minification=self.minification,
        )
        if program not in self.programs:
            # The call returns when it has compiled, before the step has run.
            self.programs.add(program)
            self.compile_seconds += time.monotonic() - begin
        return result


def _view_order(rng: np.random.Generator, views: int, steps: int) -> np.ndarray:
    """Returns a view for each step: every view once, shuffled, then again."""
    rounds = -(-steps // views)
    return np.concatenate(
        [np.zeros(0, int), *[rng.permutation(views) for _ in range(rounds)]]
    )[:steps]


def _read(reports: list[StepReport], step: int) -> tuple[float, int]:
    """Returns the PSNR over recent steps and the most pairs that one needed.

    Raises:
        NumericsError: a step was not finite.
    """
    bad = [i for i, report in enumerate(reports) if not bool(report.finite)]
    if bad:
        raise NumericsError(
            f"step {step - len(reports) + 1 + bad[0]}: loss or gradient is not finite; "
            "the scene was left as it was before. Lower the learning rates"
        )
    error = float(np.mean([float(report.squared_error) for report in reports]))
    return -10 * math.log10(max(error, 1e-12)), max(int(r.needed) for r in reports)
