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
_PRIOR_GAIN, _PRIOR_OFFSET = 0.002, 0.02
# A pixel as bright as this may have been brighter than a photograph can tell.
_SATURATED = 0.995
# A photograph that is darker tells nothing that could be made brighter.
LEAST_GAIN = 0.1
# Coverage from which nothing of the surroundings shows through, about.
_WHOLE = 0.95
# A border that differs more than this from the known background is not background.
_MOST_CHANGE = 0.35


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Exposure:
    """A photograph's brightness, channel by channel.

    Attributes:
        gain: by which the object's colours are multiplied, [3].
        offset: that is added to them, [3].
        background: RGB behind the object, above 1 where it is overexposed, [3].
    """

    gain: Float[Array, "*b 3"]
    offset: Float[Array, "*b 3"]
    background: Float[Array, "*b 3"]

    @property
    def surroundings(self) -> Float[Array, "*b 3"]:
        """What the photograph shows beside the object, [3]."""
        return jnp.clip(self.background, 0.0, 1.0)

    def apply(
        self,
        color: Float[Array, "3 h w"],
        alpha: Float[Array, "h w"],
        behind: Float[Array, "3 #h #w"] | None = None,
    ) -> Float[Array, "3 h w"]:
        """Returns what the photograph should show, saturated where it is too bright.

        Args:
            color: RGB times coverage, [3, h, w].
            alpha: coverage, [h, w].
            behind: what stands behind the object in the photograph, pixel by pixel;
                `background` when None.
        """
        gain, offset = self.gain[:, None, None], self.offset[:, None, None]
        if behind is None:
            behind = self.background[:, None, None]
        shown = gain * color + offset * alpha + behind * (1 - alpha)
        return jnp.clip(shown, 0.0, 1.0)

    def undo(self, image: Float[Array, "*b 3"]) -> Float[Array, "*b 3"]:
        """Returns colours as the good object's own photographs would show them.

        What was saturated stays cut off.
        """
        return (image - self.offset) / jnp.maximum(self.gain, LEAST_GAIN)


def neutral(background: Float[Array, "3"]) -> Exposure:
    """Returns the exposure of the good object's own photographs."""
    return Exposure(jnp.ones_like(background), jnp.zeros_like(background), background)


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
    plain: Bool[Array, ""],
) -> Exposure:
    """Returns the exposure that explains a photograph, by robust least squares.

    Args:
        color: RGB of the good object times coverage, [3, h, w].
        alpha: its coverage, [h, w].
        observed: the photograph at the same pixels, [3, h, w].
        counts: the pixels that are compared, [h, w].
        background: RGB behind the object in the photograph, [3].
        plain: whether nothing else stands there; else the pixels that the object covers
            wholly tell.
    """
    behind = jnp.where(plain, background[:, None, None], observed) * (1 - alpha)
    residual = color + behind - observed
    squared = jnp.sum(residual * residual, axis=0) / _SCALE**2
    told = alpha > jnp.where(plain, 0.5, _WHOLE)
    told &= counts & jnp.all(observed < _SATURATED, axis=0)
    weight = jnp.where(told, 1 / (1 + squared) ** 2, 0.0)
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
    # Behind a saturated background lies a brighter one: its share in the pixels of an
    # outline makes the object look smaller.
    beyond = jnp.maximum(gain, 1.0) * background
    behind = jnp.where(background < _SATURATED, background, beyond)
    return Exposure(gain, offset, behind)


def estimate_of_view(
    color: Float[Array, "h w 3"],
    alpha: Float[Array, "h w"],
    photograph: Float[Array, "h w 3"],
    background: Float[Array, "3"],
    plain: bool | Bool[Array, ""] = True,
) -> Exposure:
    """Returns `estimate` of a photograph and a render from its pose, by all pixels.

    Args:
        color: RGB of the good object times coverage, [h, w, 3].
        alpha: its coverage, [h, w].
        photograph: RGB, [h, w, 3].
        background: RGB behind the object in the photograph, [3].
        plain: whether nothing else stands there.
    """
    drawn, observed = (jnp.moveaxis(x, -1, 0) for x in (color, photograph))
    every = jnp.ones_like(alpha, bool)
    return estimate(drawn, alpha, observed, every, background, jnp.asarray(plain))
