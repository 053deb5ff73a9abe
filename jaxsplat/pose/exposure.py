"""How bright a photograph is compared with the photographs of the good object."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

# Residual at which a pixel loses influence, so that a defect does not tint the object.
_SCALE = 0.5
# Weights of "as in the other photographs" for gain and offset, as shares of the
# object's pixels: a plain object cannot tell the two apart.
_PRIOR_GAIN, _PRIOR_OFFSET = 0.01, 0.1
# A border that differs more than this from the known background is not background.
_MOST_CHANGE = 0.35


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Exposure:
    """A photograph's brightness, channel by channel.

    Attributes:
        gain: by which the object's colours are multiplied, [3].
        offset: that is added to them, [3].
        background: RGB behind the object, [3].
    """

    gain: Float[Array, "*b 3"]
    offset: Float[Array, "*b 3"]
    background: Float[Array, "*b 3"]

    def apply(
        self, color: Float[Array, "3 h w"], alpha: Float[Array, "h w"]
    ) -> Float[Array, "3 h w"]:
        """Returns what the photograph should show.

        Args:
            color: RGB times coverage, [3, h, w].
            alpha: coverage, [h, w].
        """
        gain, offset, behind = (
            x[:, None, None] for x in (self.gain, self.offset, self.background)
        )
        return gain * color + offset * alpha + behind * (1 - alpha)


def neutral(background: Float[Array, "3"]) -> Exposure:
    """Returns the exposure of the good object's own photographs."""
    return Exposure(jnp.ones(3), jnp.zeros(3), background)


def border_color(
    photograph: Float[Array, "h w 3"], expected: Float[Array, "3"]
) -> Float[Array, "3"]:
    """Returns the colour behind the object in this photograph: its border's median.

    Args:
        photograph: RGB, [h, w, 3].
        expected: returned where the border is nothing like it or not finite, [3].
    """
    rows = photograph[0], photograph[-1], photograph[:, 0], photograph[:, -1]
    median = jnp.median(jnp.concatenate(rows), axis=0)
    like = jnp.max(jnp.abs(median - expected)) <= _MOST_CHANGE
    return jnp.where(like, median, expected)


def estimate(
    color: Float[Array, "3 h w"],
    alpha: Float[Array, "h w"],
    observed: Float[Array, "3 h w"],
    counts: Bool[Array, "h w"],
    background: Float[Array, "3"],
) -> Exposure:
    """Returns the exposure that explains a photograph, by robust least squares.

    Args:
        color: RGB of the good object times coverage, [3, h, w].
        alpha: its coverage, [h, w].
        observed: the photograph at the same pixels, [3, h, w].
        counts: the pixels that are compared, [h, w].
        background: RGB behind the object in the photograph, [3].
    """
    behind = background[:, None, None] * (1 - alpha)
    residual = color + behind - observed
    squared = jnp.sum(residual * residual, axis=0) / _SCALE**2
    weight = jnp.where(counts & (alpha > 0.5), 1 / (1 + squared) ** 2, 0.0)
    shown = observed - behind
    pixels = jnp.sum(alpha) + 1.0

    def total(product: Array) -> Array:
        return jnp.sum(weight * product, axis=(-2, -1))

    gg = total(color * color) + _PRIOR_GAIN * pixels
    go = total(color * alpha)
    oo = total(alpha * alpha) + _PRIOR_OFFSET * pixels
    g = total(color * shown) + _PRIOR_GAIN * pixels
    o = total(alpha * shown)
    determinant = gg * oo - go * go
    gain = (g * oo - o * go) / determinant
    offset = (o * gg - g * go) / determinant
    return Exposure(gain, offset, background)
