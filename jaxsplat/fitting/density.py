"""When the number of Gaussians changes, and by which rule."""

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from jaxsplat.fitting import mcmc, original
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.state import FitState


def control(
    state: FitState,
    step: int,
    config: FitConfig,
    extent: Float[Array, ""],
    key: PRNGKeyArray,
) -> FitState:
    """Returns the state after the density change that is due after `step`, if any.

    Args:
        state: after `step` steps.
        step: number of steps taken, known on the host so that nothing is read back.
        config: settings.
        extent: the scene's extent, scene units.
        key: the fit's key.
    """
    settings = config.density
    if settings.kind == "fixed":
        return state
    due = settings.first < step <= settings.last and step % settings.every == 0
    step_key = jax.random.fold_in(key, step)
    if settings.kind == "mcmc":
        return mcmc.relocate(state, step_key, settings) if due else state
    if due:
        after_reset = step > settings.reset_every
        state = original.densify(state, step_key, extent, settings, after_reset)
    if step % settings.reset_every == 0 and step < settings.last:
        state = original.reset_opacity(state)
    return state
