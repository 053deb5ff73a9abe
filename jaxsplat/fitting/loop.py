"""The loop over the steps of a stage."""

import dataclasses
import math
import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxsplat.core import exhaustion, ssim
from jaxsplat.errors import ConfigError, NumericsError
from jaxsplat.fitting import density
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.pacing import Pace
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.steps import StepReport, train_step
from jaxsplat.fitting.targets import Targets
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import Backend


class Loop:
    """Takes steps; holds what stays the same over them.

    Attributes:
        backend: of the renderer.
        capacity: slots for (tile, splat) pairs in the lists of the last steps.
        compile_seconds: time of compilation so far.
    """

    def __init__(
        self,
        config: FitConfig,
        extent: float,
        pixel: float,
        background: tuple[float, float, float],
        backend: Backend,
        seed: int,
    ) -> None:
        self.backend = backend
        self.capacity = 0
        self.compile_seconds = 0.0
        self._config = config
        self._extent = jnp.float32(extent)
        lengths = {"extent": extent, "pixel": pixel}
        self._unit = jnp.float32(lengths[config.rates.unit])
        self._background = background
        self._key = jax.random.key(seed)
        # Image sizes and capacities that have had their first step.
        self._programs: set[tuple] = set()

    def stage(
        self,
        state: FitState,
        targets: Targets,
        order: Int[np.ndarray, " s"],
        minification: float,
        capacity: int | None = None,
        seconds: float | None = None,
    ) -> Iterator[tuple[FitState, float]]:
        """Yields the state and the recent PSNR after every interval.

        A step whose lists of splats are too short leaves out the farthest splats. That
        is seen at the end of the interval, which is then taken again with longer lists:
        what a fit finds does not depend on what was planned.

        Args:
            state: before.
            targets: the views.
            order: index of the view to match in each of `s` steps.
            minification: how many times smaller images are than in the last stage.
            capacity: of the lists; planned when it is None.
            seconds: that the steps may take, in which case there may be fewer than `s`;
                None for as many as they take.

        Raises:
            ConfigError: images are smaller than the window of SSIM.
            NumericsError: a step was not finite, or memory ran out.
        """
        try:
            yield from self._intervals(
                state, targets, order, minification, capacity, seconds
            )
        except exhaustion.CANDIDATES as error:
            if not exhaustion.is_out_of_memory(error):
                raise
            views, height, width = targets.images.shape[:3]
            raise NumericsError(
                f"the fit is out of memory with {views} views of {width}x{height} "
                f"pixels, room for {state.gaussians.means.shape[0]} Gaussians and "
                f"{self.capacity} list slots; take a smaller --size, or --preset=fast"
            ) from error

    def _intervals(
        self,
        state: FitState,
        targets: Targets,
        order: Int[np.ndarray, " s"],
        minification: float,
        capacity: int | None,
        seconds: float | None,
    ) -> Iterator[tuple[FitState, float]]:
        """Yields what `stage` yields."""
        self._check_size(targets)
        self.capacity = capacity or render.plan(state.gaussians, targets.cameras)
        first = int(state.step)
        pace = Pace(len(order), seconds)
        place, taken = 0.0, 0
        while part := pace.next():
            views = order[taken : taken + part.steps]
            # Where in the schedule each step is.
            places = first + place + part.advance * np.arange(part.steps)
            while True:
                # A copy, since the first step takes the memory of its input: the state
                # before serves again, here or whoever saves it when the fit is ended.
                before = state
                copied = jax.tree.map(jnp.copy, before)
                state, reports = self._steps(
                    copied, targets, views, first + taken, places, minification
                )
                psnr, needed = _read(reports, first + taken)
                if needed <= self.capacity:
                    break
                # The need may have fallen since its peak.
                planned = render.plan(state.gaussians, targets.cameras)
                self.capacity = max(planned, needed)
                state = before
            taken, place = taken + part.steps, pace.place
            yield state, psnr
        if taken < len(order):
            # There was no time for more. The next stage's schedule begins all the same.
            yield dataclasses.replace(state, step=jnp.int32(first + len(order))), psnr

    def _check_size(self, targets: Targets) -> None:
        height, width = targets.images.shape[1:3]
        if self._config.ssim_weight and min(width, height) < ssim.WINDOW:
            raise ConfigError(
                f"stages: one has images of {width}x{height} pixels, but SSIM needs "
                f"{ssim.WINDOW} a side; raise its scale or set ssim_weight to 0"
            )

    def _steps(
        self,
        state: FitState,
        targets: Targets,
        views: Int[np.ndarray, " s"],
        first: int,
        places: Float[np.ndarray, " s"],
        minification: float,
    ) -> tuple[FitState, list[StepReport]]:
        reports = []
        for step, (view, place) in enumerate(zip(views, places, strict=True), first):
            state, report = self._step(
                state, targets, int(view), step, float(place), minification
            )
            reports.append(report)
            state = density.control(
                state,
                step + 1,
                self._config,
                self._extent,
                self._key,
                self._background,
            )
        return state, reports

    def _step(
        self,
        state: FitState,
        targets: Targets,
        view: int,
        step: int,
        place: float,
        minification: float,
    ) -> tuple[FitState, StepReport]:
        program = (targets.images.shape, self.capacity)
        begin = time.monotonic()
        result = train_step(
            state,
            targets,
            jnp.int32(view),
            jax.random.fold_in(self._key, step),
            self._unit,
            jnp.float32(place / self._config.steps),
            config=self._config,
            backend=self.backend,
            capacity=self.capacity,
            minification=minification,
        )
        if program not in self._programs:
            # The call returns when it has compiled, before the step has run.
            self._programs.add(program)
            self.compile_seconds += time.monotonic() - begin
        return result


def view_order(
    rng: np.random.Generator, views: int, steps: int
) -> Int[np.ndarray, " s"]:
    """Returns a view for each step: every view once, shuffled, then again."""
    rounds = -(-steps // views)
    return np.concatenate(
        [np.zeros(0, int), *[rng.permutation(views) for _ in range(rounds)]]
    )[:steps]


def _read(reports: list[StepReport], first: int) -> tuple[float, int]:
    """Returns the PSNR over steps from `first` on, and the most pairs that one needed.

    Raises:
        NumericsError: a step was not finite.
    """
    bad = [i for i, report in enumerate(reports) if not bool(report.finite)]
    if bad:
        raise NumericsError(
            f"step {first + bad[0]}: loss or gradient is not finite; "
            "the scene was left as it was before. Lower the learning rates"
        )
    error = float(np.mean([float(report.squared_error) for report in reports]))
    return -10 * math.log10(max(error, 1e-12)), max(int(r.needed) for r in reports)
