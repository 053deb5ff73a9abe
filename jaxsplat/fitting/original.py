"""Density control of Kerbl et al. 2023: clone, split, prune, opacity reset.

Rows are fixed: new Gaussians take rows that are not live. Where there are fewer of
those than candidates, the candidates with the strongest pull come first.
"""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, PRNGKeyArray

from jaxsplat.core import quaternions
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import DensityConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians

_SPLIT_SHRINK = 1.6  # a split Gaussian's parts have its scale over this
_RESET_OPACITY = 0.01
_MAX_SCALE = 0.1  # share of the extent above which a Gaussian is pruned


@functools.partial(jax.jit, static_argnames=("settings", "after_reset"))
def densify(
    state: FitState,
    key: PRNGKeyArray,
    extent: Float[Array, ""],
    settings: DensityConfig,
    after_reset: bool,
) -> FitState:
    """Returns the state after one round of cloning, splitting and pruning.

    A Gaussian whose mean image-plane gradient is at least `settings.gradient` is cloned
    when it is small, else split in two drawn from itself. Those nearly transparent, and
    after the first opacity reset those too large, are removed.

    Args:
        state: before; its statistics are used up.
        key: for the samples of the splits.
        extent: the scene's extent, scene units.
        settings: thresholds.
        after_reset: whether opacity has been reset before (static).
    """
    cloud = state.gaussians
    pull = jnp.where(cloud.live, state.pull / jnp.maximum(state.seen, 1), 0.0)
    largest = jnp.max(scene.scales(cloud), axis=1)
    wanted = pull >= settings.gradient
    source, target, granted = _assign(wanted, pull, cloud.live)
    split = granted & (largest > settings.percent_dense * extent)

    axes = quaternions.to_rotation(cloud.quats) * scene.scales(cloud)[:, None]
    noise = jax.random.normal(key, (2, *cloud.means.shape), jnp.float32)
    offsets = jnp.einsum("nij,snj->sni", axes, noise)
    offsets = jnp.where(split[:, None], offsets, 0.0)
    shrink = math.log(_SPLIT_SHRINK) * split[:, None].astype(jnp.float32)
    parents = dataclasses.replace(
        cloud,
        means=cloud.means + offsets[0],
        log_scales=cloud.log_scales - shrink,
    )
    children = dataclasses.replace(parents, means=cloud.means + offsets[1])
    grown: Gaussians = jax.tree.map(
        lambda old, new: old.at[target].set(new[source], mode="drop"), parents, children
    )
    born = jnp.zeros_like(cloud.live).at[target].set(True, mode="drop")
    pruned = scene.opacities(grown) < settings.min_opacity
    if after_reset:
        pruned |= ~born & (state.radius > settings.max_radius_px)
        pruned |= jnp.max(scene.scales(grown), axis=1) > _MAX_SCALE * extent
    grown = dataclasses.replace(grown, live=grown.live & ~pruned)
    moments = fit_state.forget(state.moments, born | split)
    return fit_state.restart_statistics(
        dataclasses.replace(state, gaussians=grown, moments=moments)
    )


def _assign(
    wanted: Bool[Array, " n"], pull: Float[Array, " n"], live: Bool[Array, " n"]
) -> tuple[Array, Array, Bool[Array, " n"]]:
    """Pairs rows that want a child with rows that are free, the strongest first.

    Returns source rows, target rows (n where there is no pair), and who got a child.
    """
    n = live.shape[0]
    source = jnp.argsort(jnp.where(wanted, -pull, jnp.inf), stable=True)
    free = jnp.argsort(live, stable=True)
    pairs = jnp.minimum(jnp.sum(wanted), jnp.sum(~live))
    paired = jnp.arange(n) < pairs
    target = jnp.where(paired, free, n)
    granted = jnp.zeros(n, bool).at[jnp.where(paired, source, n)].set(True, mode="drop")
    return source, target, granted


@jax.jit
def reset_opacity(state: FitState) -> FitState:
    """Returns the state with every opacity at most .01 and its moments forgotten."""
    ceiling = math.log(_RESET_OPACITY / (1 - _RESET_OPACITY))
    logits = jnp.minimum(state.gaussians.opacity_logits, ceiling)
    cleared = {
        name: {**tree, "opacity_logits": jnp.zeros_like(logits)}
        for name, tree in (("mu", state.moments.mu), ("nu", state.moments.nu))
    }
    return dataclasses.replace(
        state,
        gaussians=dataclasses.replace(state.gaussians, opacity_logits=logits),
        moments=state.moments._replace(**cleared),
    )
