"""The exposure of each training photograph, told by what is fitted so far.

A camera that is left to itself exposes and balances every photograph anew, and a lamp
beside a turntable lights every side in another way. Fitted as it is, that becomes
colours that no other view has. Photographs are therefore compared in one exposure, that
of all of them in the mean.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.fitting import losses
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.targets import Targets
from jaxsplat.rendering import api as render
from jaxsplat.rendering import exposure
from jaxsplat.rendering.api import Rendered
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.scene.gaussians import Gaussians


def measured(
    state: FitState, targets: Targets, backend: Backend, minification: float
) -> FitState:
    """Returns the state with the exposures of the photographs.

    Args:
        state: of a fit that shows the object already.
        targets: the photographs, with alpha.
        backend: of the renderer.
        minification: how many times smaller they are than in the last stage.
    """
    capacity = render.plan(
        state.gaussians, targets.cameras, 1.0, minification=minification
    )
    gains, offsets = _measure(
        state.gaussians, targets, backend, capacity, jnp.float32(minification)
    )
    usual = jnp.exp(jnp.mean(jnp.log(gains), axis=0))
    # Of what photographs show in a mean exposure, gain and offset are 1 and 0.
    shift = jnp.mean(offsets, axis=0)
    gains = gains / usual
    return dataclasses.replace(state, gains=gains, offsets=offsets - gains * shift)


@functools.partial(jax.jit, static_argnames=("backend", "capacity"))
def _measure(
    gaussians: Gaussians,
    targets: Targets,
    backend: Backend,
    capacity: int,
    minification: Array,
) -> tuple[Float[Array, "v 3"], Float[Array, "v 3"]]:
    """Returns gain and offset of each photograph over what is rendered."""

    def one(view: tuple[Camera, Array, Array]) -> tuple[Array, Array]:
        seen = observe(gaussians, targets, view, backend, capacity, minification)
        exposed = seen.exposure
        return jnp.maximum(exposed.gain, exposure.LEAST_GAIN), exposed.offset

    return lax.map(one, (targets.cameras, targets.images, targets.coverage))


class Observed(NamedTuple):
    """A photograph beside what is fitted so far.

    Attributes:
        drawn: the object from the photograph's pose, before black.
        photograph: RGB in [0, 1], [h, w, 3].
        exposure: of the photograph, over what is drawn.
    """

    drawn: Rendered
    photograph: Float[Array, "h w 3"]
    exposure: Exposure


def observe(
    gaussians: Gaussians,
    targets: Targets,
    view: tuple[Camera, Array, Array],
    backend: Backend,
    capacity: int,
    minification: Array | None = None,
) -> Observed:
    """Returns a photograph beside its render, and its exposure.

    Args:
        gaussians: what is fitted so far.
        targets: the photographs.
        view: camera, image and coverage of one of them.
        backend: of the renderer.
        capacity: of its lists.
        minification: as in `render`.
    """
    camera, image, coverage = view
    drawn = render.render(
        gaussians,
        camera,
        backend=backend,
        capacity=capacity,
        minification=minification,
    )
    photograph = losses.over_background(
        image.astype(jnp.float32) / 255,
        coverage.astype(jnp.float32) / 255,
        targets.background,
    )
    seen = exposure.estimate_of_view(
        drawn.color, drawn.alpha, photograph, targets.background
    )
    return Observed(drawn, photograph, seen)
