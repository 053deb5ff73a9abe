"""How much a pixel that does not fit may pull a pose."""

from typing import NamedTuple

from jax import Array
from jaxtyping import Float


class Robust(NamedTuple):
    """The loss of residuals, and the weights of its normal equations.

    Attributes:
        losses: of each pixel; their half sum is the cost.
        weights: by which each pixel's equations are multiplied.
    """

    losses: Float[Array, "..."]
    weights: Float[Array, "..."]


def geman_mcclure(squared: Float[Array, "..."], scale: float) -> Robust:
    """Returns r^2 / (1 + r^2 / s^2) and its weights (Geman and McClure 1987).

    Args:
        squared: residuals squared.
        scale: residual s at which a pixel's influence begins to fall.
    """
    softened = 1 / (1 + squared / scale**2)
    return Robust(squared * softened, softened * softened)
