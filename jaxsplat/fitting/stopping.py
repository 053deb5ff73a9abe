"""When a fit has nothing more to gain: views that it does not see tell."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.fitting import exposures
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.targets import Targets, make_targets
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

# Steps from one look at the views to the next.
_EVERY = 100
# Of the least squared error: what falls by less (a tenth of a decibel) stands still.
_GAIN = 0.02


class Least(NamedTuple):
    """The least mean squared error so far, and the step at which it was found."""

    error: float = math.inf
    step: int = 0


class Plateau:
    """Watches the error on views that the fit does not see, in its last stage.

    Views without alpha, whose surroundings are not the fit's, say nothing.

    Attributes:
        least: the least error so far.
    """

    def __init__(
        self,
        unseen: Sequence[View],
        background: tuple[float, float, float],
        config: FitConfig,
        backend: Backend,
        least: Least,
    ) -> None:
        self.least = least
        self._backend = backend
        self._targets: Targets | None = None
        last = config.stages[-1]
        self._first = config.steps - last.steps
        self._patience = config.patience * config.steps
        self._looked = least.step
        if config.patience and unseen and all(v.alpha is not None for v in unseen):
            self._targets = make_targets(unseen, None, background, last.scale)

    def is_reached(self, state: FitState) -> bool:
        """Returns whether the error has not fallen for long."""
        step = int(state.step)
        if self._targets is None or step < max(self._first, self._looked + _EVERY):
            return False
        self._looked = step
        error = mean_squared_error(state.gaussians, self._targets, self._backend)
        if error < (1 - _GAIN) * self.least.error:
            self.least = Least(error, step)
        return step - self.least.step >= self._patience


def mean_squared_error(
    gaussians: Gaussians, targets: Targets, backend: Backend
) -> float:
    """Returns the error of views at their poses, each in its own exposure."""
    capacity = render.plan(gaussians, targets.cameras, 1.0)
    return float(_error(gaussians, targets, backend, capacity))


@functools.partial(jax.jit, static_argnames=("backend", "capacity"))
def _error(
    gaussians: Gaussians, targets: Targets, backend: Backend, capacity: int
) -> Float[Array, ""]:
    def one(view: tuple[Camera, Array, Array]) -> Array:
        drawn, photograph, exposed = exposures.observe(
            gaussians, targets, view, backend, capacity
        )
        shown = exposed.apply(jnp.moveaxis(drawn.color, -1, 0), drawn.alpha)
        return jnp.mean((jnp.moveaxis(shown, 0, -1) - photograph) ** 2)

    found = lax.map(one, (targets.cameras, targets.images, targets.coverage))
    return jnp.mean(found)
