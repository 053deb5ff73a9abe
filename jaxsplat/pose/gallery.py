"""Coarse poses: the posed views of an object, encoded once and searched by product.

A view's code is its difference from the plain background at low resolution, together
with the gradients of that: colour, outline and inner edges. On the bundled sample and
three objects like it, the best of four has the median error of the best view that the
gallery holds. Colour or edges alone, and sides from 16 to 32 pixels, came out nearly
alike; the outline alone takes the front of symmetric objects for the back.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import resampling, safe
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError

SIDE = 24  # pixels of the reduced image
_MIN_SIDE = 3  # a central difference must exist


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gallery:
    """Views of one object.

    Attributes:
        descriptors: unit rows, [v, d].
        camera_from_world: pose of each view, [v, 4, 4].
        background: RGB that the descriptors are differences from, [3].
        side: of the reduced images in pixels (static).
    """

    descriptors: Float[Array, "v d"]
    camera_from_world: Float[Array, "v 4 4"]
    background: Float[Array, "3"]
    side: int = dataclasses.field(metadata=dict(static=True))


def build_gallery(
    images: Float[Array, "v h w 3"],
    camera: Camera,
    *,
    background: Float[Array, "3"] | None = None,
    side: int = SIDE,
) -> Gallery:
    """Returns the gallery of posed views.

    Args:
        images: RGB in [0, 1] on the plain background, [v, h, w, 3].
        camera: the views' cameras, stacked along one leading axis.
        background: RGB of the background, white when None, [3].
        side: size of the reduced images in pixels.

    Raises:
        ConfigError: `side` is too small.
    """
    if side < _MIN_SIDE:
        raise ConfigError(f"side: found {side}, expected {_MIN_SIDE} pixels or more")
    background = jnp.ones(3) if background is None else background
    descriptors = describe(images, background, side)
    return Gallery(descriptors, camera.camera_from_world, background, side)


def join(first: Gallery, second: Gallery) -> Gallery:
    """Returns the gallery of both galleries' views; those of `first` win ties.

    Raises:
        ConfigError: the galleries reduce images to different sizes.
    """
    if first.side != second.side:
        raise ConfigError(f"side: found {first.side} and {second.side}, expected one")
    return Gallery(
        jnp.concatenate([first.descriptors, second.descriptors]),
        jnp.concatenate([first.camera_from_world, second.camera_from_world]),
        first.background,
        first.side,
    )


@functools.partial(jax.jit, static_argnames="k")
def nearest(
    gallery: Gallery, queries: Float[Array, "b h w 3"], k: int
) -> tuple[Float[Array, "b k2 4 4"], Float[Array, "b k2"]]:
    """Returns the poses of the most similar views, best first.

    Args:
        gallery: the views.
        queries: photographs on the gallery's background, [b, h, w, 3].
        k: how many to return; all, where the gallery has fewer.

    Returns:
        `camera_from_world` [b, k, 4, 4], and the cosine similarity [b, k], which is 0
        throughout for a query that shows only background or is not finite.
    """
    codes = describe(queries, gallery.background, gallery.side)
    similarity = jnp.matmul(
        codes, gallery.descriptors.T, precision=jax.lax.Precision.HIGHEST
    )
    similarity, views = jax.lax.top_k(similarity, min(k, similarity.shape[1]))
    return gallery.camera_from_world[views], similarity


@functools.partial(jax.jit, static_argnames="side")
def describe(
    images: Float[Array, "b h w 3"], background: Float[Array, "3"], side: int
) -> Float[Array, "b d"]:
    """Returns a unit vector for each image, zero for one that is all background.

    Args:
        images: RGB in [0, 1], [b, h, w, 3].
        background: RGB behind the object, [3].
        side: of the reduced image in pixels.
    """
    reduced = resampling.area_resize(images - background, side, side)
    across = reduced[:, :, 2:] - reduced[:, :, :-2]
    down = reduced[:, 2:] - reduced[:, :-2]
    flat = [part.reshape(images.shape[0], -1) for part in (reduced, across, down)]
    cues = [safe.normalize(flat[0]), safe.normalize(jnp.concatenate(flat[1:], axis=1))]
    codes = safe.normalize(jnp.concatenate(cues, axis=1))
    finite = jnp.all(jnp.isfinite(codes), axis=1, keepdims=True)
    return jnp.where(finite, codes, 0.0)
