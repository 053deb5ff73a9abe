"""The record of a scene: a fixed number of 3D Gaussians, some of them live."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat.core import sizes

# From one power of two to the next.
SIZES_IN_OCTAVE = 2


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gaussians:
    """A cloud of `n` rows, of which those with `live` set take part.

    Parameters are raw, as the optimiser sees them; `scales`, `opacities` make the
    activated values (Kerbl et al. 2023, section 5.1).

    Attributes:
        means: centres in the world, [n, 3].
        log_scales: logarithm of the standard deviations along the axes, [n, 3].
        quats: rotation of the axes as quaternions wxyz of any non-zero norm, [n, 4].
        opacity_logits: opacity before the logistic function, [n].
        colors: colour at spherical-harmonics degree 0, [n, 3]: the RGB value itself.
        sh_rest: coefficients of degree 1 to 3, [n, 3 | 8 | 15, 3], or None for a colour
            that does not depend on the view.
        live: rows that take part, [n].
    """

    means: Float[Array, "n 3"]
    log_scales: Float[Array, "n 3"]
    quats: Float[Array, "n 4"]
    opacity_logits: Float[Array, " n"]
    colors: Float[Array, "n 3"]
    live: Bool[Array, " n"]
    sh_rest: Float[Array, "n s 3"] | None = None


def scales(gaussians: Gaussians) -> Float[Array, "n 3"]:
    """Returns the standard deviations along each Gaussian's axes."""
    return jnp.exp(gaussians.log_scales)


def opacities(gaussians: Gaussians) -> Float[Array, " n"]:
    """Returns opacities in (0, 1), 0 for rows that are not live."""
    return jnp.where(gaussians.live, jax.nn.sigmoid(gaussians.opacity_logits), 0.0)


def sh_degree(gaussians: Gaussians) -> int:
    """Returns the degree of the spherical harmonics, 0 to 3."""
    if gaussians.sh_rest is None:
        return 0
    return {3: 1, 8: 2, 15: 3}[gaussians.sh_rest.shape[1]]


def count(gaussians: Gaussians) -> int:
    """Returns the number of live Gaussians (reads it back from the device)."""
    return int(jnp.sum(gaussians.live))


def in_few_sizes(gaussians: Gaussians) -> Gaussians:
    """Returns the cloud with rows that are not live, up to one of few sizes.

    Objects with a few Gaussians more or less then share their programs.
    """
    rows = len(gaussians.live)
    more = sizes.at_least(max(rows, 1), SIZES_IN_OCTAVE) - rows

    def filled(leaf: Array) -> Array:
        return jnp.pad(leaf, ((0, more), *[(0, 0)] * (leaf.ndim - 1)))

    filled_up = jax.tree.map(filled, gaussians)
    return dataclasses.replace(filled_up, quats=filled_up.quats.at[rows:].set(0.5))
