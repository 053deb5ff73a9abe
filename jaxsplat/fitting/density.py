"""When the number of Gaussians changes, and by which rule."""

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from jaxsplat.fitting import mcmc, original
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.state import FitState

# Two grey levels of 255 below it, plus rounding: white as compression leaves it.
_WHITE = 1 - 2.5 / 255


def control(
    state: FitState,
    step: int,
    config: FitConfig,
    extent: Float[Array, ""],
    key: PRNGKeyArray,
    background: tuple[float, float, float],
) -> FitState:
    """Returns the state after the density change that is due after `step`, if any.

    Args:
        state: after `step` steps.
        step: number of steps taken, known on the host so that nothing is read back.
        config: settings.
        extent: the scene's extent, scene units.
        key: the fit's key.
        background: RGB behind the object. On white, `original` resets opacity at the
            step `first` too, as Kerbl's code does.
    """
    settings = config.density
    if settings.kind == "fixed":
        return state
    # Both ends are left out, and resets follow densification, as in the papers' code.
    due = settings.first < step < settings.last and step % settings.every == 0
    step_key = jax.random.fold_in(key, step)
    if settings.kind == "mcmc":
        return mcmc.relocate(state, step_key, settings) if due else state
    if due:
        after_reset = step > settings.reset_every
        state = original.densify(state, step_key, extent, settings, after_reset)
    on_white = min(background) >= _WHITE
    reset = step % settings.reset_every == 0 or (on_white and step == settings.first)
    if reset and step < settings.last:
        state = original.reset_opacity(state)
    return state
