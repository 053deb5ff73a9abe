"""What a fit minimises."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core.ssim import ssim
from jaxsplat.rendering.api import Rendered


def photometric(
    rendered: Float[Array, "h w 3"], target: Float[Array, "h w 3"], ssim_weight: float
) -> Float[Array, ""]:
    """Returns (1 - w) L1 + w (1 - SSIM) (Kerbl et al. 2023, equation 7)."""
    loss = (1 - ssim_weight) * jnp.mean(jnp.abs(rendered - target))
    if ssim_weight:
        loss += ssim_weight * (1 - ssim(rendered, target))
    return loss


def over_background(
    premultiplied: Float[Array, "h w 3"],
    alpha: Float[Array, "h w"],
    background: Float[Array, "3"],
) -> Float[Array, "h w 3"]:
    """Returns a premultiplied image put over a background."""
    return premultiplied + (1 - alpha)[..., None] * background


def miscovered(
    rendered: Rendered, coverage: Float[Array, "h w"], is_alpha: bool
) -> Float[Array, ""]:
    """Returns how far the rendered coverage is from the photograph's, in the mean.

    Args:
        rendered: a view.
        coverage: of its photograph, see `Targets`.
        is_alpha: whether it says where the object is; else it only says where it is
            not, and what is rendered elsewhere is free.
    """
    if is_alpha:
        return jnp.mean(jnp.abs(rendered.alpha - coverage))
    return jnp.mean(rendered.alpha * (1 - coverage))


def random_background(key: PRNGKeyArray) -> Float[Array, "3"]:
    """Returns an RGB value uniform in the unit cube."""
    return jax.random.uniform(key, (3,), jnp.float32)
