"""The optimiser's state and the rules that change rows of it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Bool, Float, Int

from jaxsplat.fitting.config import LearningRates
from jaxsplat.scene.gaussians import Gaussians


def adam(memory: float) -> optax.GradientTransformation:
    """Returns Kerbl's Adam, with an epsilon that never matters.

    Args:
        memory: of the mean of squared gradients, beta2.
    """
    return optax.scale_by_adam(b1=0.9, b2=memory, eps=1e-15)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FitState:
    """Everything that a step changes; one row for each of `n` Gaussians.

    Attributes:
        gaussians: the cloud.
        moments: Adam's, a tree like `parameters(gaussians)`.
        pull: sum of image-plane gradient norms (NDC) since the last density change.
        seen: number of views since then in which the Gaussian was visible.
        radius: largest radius on screen since then, in pixels.
        step: steps taken.
        gains: of each of `v` photographs, by channel, over the mean of all; see
            `exposures`.
        offsets: likewise, added after the gain.
    """

    gaussians: Gaussians
    moments: optax.ScaleByAdamState
    pull: Float[Array, " n"]
    seen: Float[Array, " n"]
    radius: Float[Array, " n"]
    step: Int[Array, ""]
    gains: Float[Array, "v 3"]
    offsets: Float[Array, "v 3"]


def parameters(gaussians: Gaussians) -> dict[str, Array]:
    """Returns the arrays that are optimised, by name."""
    values = {
        "means": gaussians.means,
        "log_scales": gaussians.log_scales,
        "quats": gaussians.quats,
        "opacity_logits": gaussians.opacity_logits,
        "colors": gaussians.colors,
    }
    if gaussians.sh_rest is not None:
        values["sh_rest"] = gaussians.sh_rest
    return values


def initial(gaussians: Gaussians, views: int) -> FitState:
    """Returns the state before the first step.

    Args:
        gaussians: the cloud.
        views: number of photographs.
    """
    n = gaussians.means.shape[0]
    zeros = functools.partial(jnp.zeros, n, jnp.float32)
    # The first moments are 0, whatever the memory.
    moments = adam(0.999).init(parameters(gaussians))
    assert isinstance(moments, optax.ScaleByAdamState)
    # Three arrays, not one: the step is given its input's memory to reuse.
    return FitState(
        gaussians,
        moments,
        pull=zeros(),
        seen=zeros(),
        radius=zeros(),
        step=jnp.int32(0),
        gains=jnp.ones((views, 3), jnp.float32),
        offsets=jnp.zeros((views, 3), jnp.float32),
    )


def step_sizes(rates: LearningRates, unit: Array, progress: Array) -> dict[str, Array]:
    """Returns the learning rate of each parameter.

    Args:
        rates: settings.
        unit: length of `rates.unit`, scene units.
        progress: share of the steps done, in [0, 1].
    """
    ratio = rates.means_last / rates.means
    fallen = (progress - rates.falls_after) / (1 - rates.falls_after)
    share = rates.last_share ** jnp.maximum(fallen, 0.0)
    return {
        "means": rates.means * unit * ratio**progress,
        "log_scales": rates.scales * share,
        "quats": rates.quats * share,
        "opacity_logits": rates.opacities * share,
        "colors": rates.colors * share,
        "sh_rest": rates.sh_rest * share,
    }


def forget(
    moments: optax.ScaleByAdamState, rows: Bool[Array, " n"]
) -> optax.ScaleByAdamState:
    """Returns the moments with those of some rows set to 0."""

    def clear(leaf: Array) -> Array:
        keep = ~rows.reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(keep, leaf, 0.0)

    return moments._replace(
        mu=jax.tree.map(clear, moments.mu), nu=jax.tree.map(clear, moments.nu)
    )


def restart_statistics(state: FitState) -> FitState:
    """Returns the state with the sums for density control set to 0."""
    pull, seen, radius = (jnp.zeros_like(state.pull) for _ in range(3))
    return dataclasses.replace(state, pull=pull, seen=seen, radius=radius)
