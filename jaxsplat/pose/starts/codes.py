"""Codes of an object's look that no shift, zoom or change of brightness alters much.

A photograph's object is cut out about its outline's centre, at its outline's size, and
reduced. Its colours, their gradients and the outline itself are the code.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import resampling, safe

SIDE = 24  # pixels of the reduced image
# Half the cut's side, in root mean square radii of the outline: a disc's edge is at
# 1.4, a rod's end at 1.7.
_REACH = 2.2
# Differences from the background between which a pixel begins to belong to the object.
_BACKGROUND, _OBJECT = 0.04, 0.12


class Cut(NamedTuple):
    """An object cut out of its photograph.

    Attributes:
        image: difference from the background, and outline, [4, 2 SIDE, 2 SIDE].
        center: column and row of the outline's centre in pixels, [2].
        radius: root mean square distance of the object's pixels from there.
    """

    image: Float[Array, "*b 4 s s"]
    center: Float[Array, "*b 2"]
    radius: Float[Array, " *b"]


def cut_out(image: Float[Array, "h w 3"], background: Float[Array, "3"]) -> Cut:
    """Returns the object of a photograph; the middle where there is none.

    Args:
        image: RGB, [h, w, 3].
        background: RGB behind the object, [3].
    """
    height, width = image.shape[:2]
    differs = jnp.max(jnp.abs(image - background), axis=-1)
    outline = jnp.clip((differs - _BACKGROUND) / (_OBJECT - _BACKGROUND), 0.0, 1.0)
    columns = resampling.pixel_centers(width)
    rows = resampling.pixel_centers(height)[:, None]
    # The faintest share of the whole image keeps an empty one in the middle.
    mass = outline + 1e-6
    total = jnp.sum(mass)
    x, y = jnp.sum(mass * columns) / total, jnp.sum(mass * rows) / total
    squares = (columns - x) ** 2 + (rows - y) ** 2
    radius = jnp.sqrt(jnp.sum(mass * squares) / total)
    zoom = SIDE / (_REACH * radius)
    channels = jnp.concatenate([image - background, outline[..., None]], axis=-1)
    size = 2 * SIDE
    cut = jax.image.scale_and_translate(
        jnp.moveaxis(channels, -1, 0),
        (4, size, size),
        (1, 2),
        jnp.stack([zoom, zoom]),
        SIDE - zoom * jnp.stack([y, x]),
        method="linear",
    )
    return Cut(cut, jnp.stack([x, y]), radius)


def turned(
    cut: Float[Array, "4 s s"], angle: Float[Array, ""]
) -> Float[Array, "4 s2 s2"]:
    """Returns a cut turned back by an angle, at half its size.

    Args:
        cut: `Cut.image`.
        angle: in radians, from the column axis towards the row axis.
    """
    place = resampling.pixel_centers(2 * SIDE) - SIDE
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    columns = cosine * place - sine * place[:, None] + SIDE
    rows = sine * place + cosine * place[:, None] + SIDE
    image = resampling.bilinear(cut, columns, rows)
    return image.reshape(4, SIDE, 2, SIDE, 2).mean(axis=(2, 4))


def encode(image: Float[Array, "4 s s"]) -> Float[Array, " d"]:
    """Returns the unit code of a turned cut, zeros when that is not finite."""
    color, outline = image[:3], image[3]
    across, down = color[:, :, 2:] - color[:, :, :-2], color[:, 2:] - color[:, :-2]
    edges = jnp.concatenate([across.ravel(), down.ravel()])
    cues = [safe.normalize(cue) for cue in (color.ravel(), edges, outline.ravel())]
    code = safe.normalize(jnp.concatenate(cues))
    return jnp.where(jnp.all(jnp.isfinite(code)), code, 0.0)
