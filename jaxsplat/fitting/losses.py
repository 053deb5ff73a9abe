"""What a fit minimises."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core.ssim import ssim
from jaxsplat.rendering.api import Rendered


def photometric(
    rendered: Float[Array, "h w 3"],
    target: Float[Array, "h w 3"],
    ssim_weight: float,
    residual_scale: float = 0.0,
    weights: Float[Array, "h w"] | None = None,
) -> Float[Array, ""]:
    """Returns (1 - w) L1 + w (1 - SSIM) (Kerbl et al. 2023, equation 7).

    L1 pulls as hard at the last grey level as at the first: with one view in a step,
    flat colours never come to rest. With a scale, its place takes the loss of
    Charbonnier et al. 1994, sqrt(d^2 + s^2) - s, which is L1 for what differs by much.

    Args:
        rendered: a view.
        target: its photograph.
        ssim_weight: the w.
        residual_scale: the s.
        weights: of pixels, which SSIM does not know; all 1 when None.
    """
    difference = rendered - target
    if residual_scale:
        size = jnp.sqrt(jnp.square(difference) + residual_scale**2) - residual_scale
    else:
        size = jnp.abs(difference)
    if weights is not None:
        size = size * weights[..., None]
    loss = (1 - ssim_weight) * jnp.mean(size)
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
