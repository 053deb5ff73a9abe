"""What stands in front of an object, and so tells nothing of it.

A hand, a cable or a tool comes into a photograph from outside of its frame. What
differs from the good object before its plain background, and is one piece with such a
thing, is not the object's: it takes no part in the comparison. A defect does not reach
the frame, except through such a thing that touches it.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float

from jaxsplat.core import resampling
from jaxsplat.pose.expected import DIFFERS, Expected, as_good_views, exposed_again
from jaxsplat.pose.photographs import Photographs
from jaxsplat.rendering.twin import Twin

# Longer side in pixels at which pieces are followed: noise is less than what differs,
# and the lines that a soft fit leaves along outlines are thinner than any piece.
_SIDE = 100
# A square and its middle: window, strides, padding.
_NEAR = (3, 3), (1, 1), "SAME"
# The soft border of a piece, in pixels around what is followed of it.
_BORDER = (7, 7), (1, 1), "SAME"


def find_obstructed(
    twin: Twin, photographs: Photographs, expected: Expected
) -> tuple[Bool[Array, "b h w"], Expected]:
    """Returns the pixels where something reaches in from the frame.

    It tints the exposure that a photograph seems to have, and what is tinted differs:
    both are told again without it.

    Args:
        twin: the object.
        photographs: that were looked at.
        expected: what they should show.

    Returns:
        The pixels, [b, h, w], and what the photographs should show by what is left of
        them. Nothing is found before unknown surroundings.
    """

    def look(expected: Expected) -> Bool[Array, "b h w"]:
        seen, known = as_good_views(twin, photographs, expected)
        found = obstructed(seen, known, expected.coverage)
        return found & photographs.plain[:, None, None]

    first = look(expected)
    told = exposed_again(photographs, expected, ~first)
    found = jnp.any(first, axis=(1, 2))

    def chosen(new: Array, old: Array) -> Array:
        return jnp.where(found.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    told = jax.tree.map(chosen, told, expected)
    return look(told), told


def hidden(
    in_front: Bool[Array, "b h w"], coverage: Float[Array, "b h w"]
) -> Float[Array, " b"]:
    """Returns the share of the object that is obstructed."""
    area = jnp.maximum(jnp.sum(coverage, axis=(1, 2)), 1.0)
    return jnp.sum(jnp.where(in_front, coverage, 0.0), axis=(1, 2)) / area


def obstructed(
    seen: Float[Array, "b h w 3"],
    known: Float[Array, "b h w 3"],
    coverage: Float[Array, "b h w"],
) -> Bool[Array, "b h w"]:
    """Returns the pixels where something reaches in from the frame.

    Args:
        seen: the photographs, from `pose.expected.as_good_views`, [b, h, w, 3].
        known: what they should show, likewise, [b, h, w, 3].
        coverage: by the object, [b, h, w].
    """
    height, width = coverage.shape[1:]
    shrink = max(1.0, max(height, width) / _SIDE)
    size = max(round(height / shrink), 3), max(round(width / shrink), 3)
    change = jnp.max(jnp.abs(seen - known), axis=-1)
    planes = resampling.area_resize(jnp.stack([change, coverage], axis=-1), *size)

    def one(change: Array, coverage: Array) -> Array:
        other = _least((change > DIFFERS).astype(jnp.float32))
        beside = lax.reduce_window(coverage, 0.0, lax.max, *_NEAR) < 0.5
        entry = jnp.where(beside & _at_frame(*size), other, 0.0)
        found = _connected(entry, other)
        return lax.reduce_window(found, 0.0, lax.max, *_BORDER)

    found = jax.vmap(one)(planes[..., 0], planes[..., 1])
    return jax.image.resize(found, coverage.shape, "linear") > 0.5


def _least(marked: Float[Array, "h w"]) -> Float[Array, "h w"]:
    """Returns what is left of marks without their border, that at the frame kept."""
    padded = jnp.pad(marked, 1, mode="edge")
    return lax.reduce_window(padded, 1.0, lax.min, (3, 3), (1, 1), "VALID")


def _at_frame(height: int, width: int) -> Bool[Array, "h w"]:
    return jnp.ones((height, width), bool).at[1:-1, 1:-1].set(False)


def _connected(
    entry: Float[Array, "h w"], marked: Float[Array, "h w"]
) -> Float[Array, "h w"]:
    """Returns the marks that are connected with an entry, [h, w]."""

    def grown(state: tuple[Array, Array]) -> tuple[Array, Array]:
        found, _ = state
        more = marked * lax.reduce_window(found, 0.0, lax.max, *_NEAR)
        return more, jnp.any(more != found)

    return lax.while_loop(lambda s: s[1], grown, (entry, jnp.any(entry > 0)))[0]
