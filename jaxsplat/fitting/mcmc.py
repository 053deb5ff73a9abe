"""Density control of Kheradmand et al. 2024: 3DGS as Markov chain Monte Carlo."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import DensityConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.scene import gaussians as scene

# More copies than this of one Gaussian are treated as this many (the paper's code: 51).
_MAX_COPIES = 51


@functools.partial(jax.jit, static_argnames="settings")
def relocate(state: FitState, key: PRNGKeyArray, settings: DensityConfig) -> FitState:
    """Returns the state with dead Gaussians moved onto live ones, and some added.

    Transparent rows, and free rows up to `settings.growth` times the live count, are
    placed on Gaussians drawn in proportion to opacity; all copies of one get the
    opacity and scale that leave its image unchanged (equation 9 of the paper).

    Args:
        state: before.
        key: for the draw.
        settings: thresholds.
    """
    cloud = state.gaussians
    opacity = scene.opacities(cloud)
    dead = cloud.live & (opacity <= settings.min_opacity)
    source_weight = jnp.where(cloud.live & ~dead, opacity, 0.0)
    live = jnp.sum(cloud.live)
    wanted = jnp.ceil(live.astype(jnp.float32) * (settings.growth - 1))
    wanted = wanted.astype(jnp.int32)
    added = ~cloud.live & (jnp.cumsum(~cloud.live, dtype=jnp.int32) <= wanted)
    moved = (dead | added) & jnp.any(source_weight > 0)
    n = opacity.shape[0]
    drawn = jax.random.categorical(key, jnp.log(source_weight), shape=(n,))
    source = jnp.where(moved, drawn.astype(jnp.int32), jnp.arange(n, dtype=jnp.int32))
    copies = jnp.zeros(n, jnp.int32).at[source].add(moved.astype(jnp.int32)) + 1
    copies = jnp.minimum(copies, _MAX_COPIES)
    new_opacity, shrink = share(opacity, copies)
    new_opacity = jnp.clip(new_opacity, settings.min_opacity, 1 - 1e-6)
    several = copies > 1
    logits = jnp.where(
        several,
        jnp.log(new_opacity) - jnp.log1p(-new_opacity),
        cloud.opacity_logits,
    )
    log_scales = cloud.log_scales + jnp.where(several, jnp.log(shrink), 0.0)[:, None]
    adapted = dataclasses.replace(cloud, opacity_logits=logits, log_scales=log_scales)
    placed = jax.tree.map(lambda leaf: leaf[source], adapted)
    placed = dataclasses.replace(placed, live=cloud.live | moved)
    moments = fit_state.forget(state.moments, moved | several)
    return fit_state.restart_statistics(
        dataclasses.replace(state, gaussians=placed, moments=moments)
    )


def share(
    opacity: Float[Array, " n"], copies: Int[Array, " n"]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Returns the opacity and the factor of the scale for each of several copies.

    `copies` Gaussians at one place with opacity 1 - (1 - o)^(1/c) together cover what
    one with o did; the factor keeps the integral of its profile (equation 9).
    """
    log_through = jnp.log1p(-jnp.minimum(opacity, 1 - 1e-6))
    share_opacity = -jnp.expm1(log_through / copies.astype(jnp.float32))
    # sum_{i=1}^{c} sum_{k=0}^{i-1} C(i-1, k) (-1)^k o^{k+1} / sqrt(k+1), gathered by k:
    # C(i-1, k) summed over i <= c is C(c, k+1).
    table = np.zeros((_MAX_COPIES + 1, _MAX_COPIES))
    for count in range(_MAX_COPIES + 1):
        for k in range(count):
            sign = (-1) ** k
            table[count, k] = sign * math.comb(count, k + 1) / math.sqrt(k + 1)
    exponents = jnp.arange(1, _MAX_COPIES + 1, dtype=jnp.float32)
    powers = share_opacity[:, None] ** exponents
    return share_opacity, opacity / _alternating(table, copies, powers)


def _alternating(table: np.ndarray, copies: Array, powers: Array) -> Array:
    """Returns the rows' sums of table * powers, with large cancelling terms kept apart.

    Terms alternate in sign; with the shared opacity falling as 1 / copies they stay
    below C(c, k) / c^k, so float32 is enough.
    """
    rows = jnp.asarray(table, jnp.float32)[copies]
    return jnp.maximum(jnp.sum(rows * powers, axis=1), 1e-6)
