"""Numbers painted on the Gaussians of an object, and how they look from anywhere.

What good views show differently from their renders (edges, fine print, gloss) belongs
to places of the object. Painting is the transpose of rendering: every Gaussian gets of
an image what it gives to it, one vector-Jacobian product of `render` with respect to
the colours.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering.twin import Twin, look


def paint(
    twin: Twin, camera: Camera, images: Float[Array, "c h w"]
) -> tuple[Float[Array, "n c"], Float[Array, " n"]]:
    """Returns what each Gaussian gets of an image, and its weight in it.

    The sum over a Gaussian's pixels of its share of the pixel times the pixel's value,
    and of its shares alone.

    Args:
        twin: the object.
        camera: that the image is seen by.
        images: any number of channels, at the camera's size.
    """
    channels = len(images)
    weighed = jnp.concatenate([images, jnp.ones_like(images[:1])])
    padded = jnp.pad(weighed, ((0, -len(weighed) % 3), (0, 0), (0, 0)))
    none = jnp.zeros_like(twin.gaussians.colors)
    _, transposed = jax.vjp(lambda colors: _seen(twin, camera, colors), none)
    found = jax.lax.map(
        lambda three: transposed(jnp.moveaxis(three, 0, -1))[0],
        padded.reshape(-1, 3, *padded.shape[1:]),
    )
    flat = jnp.moveaxis(found, 0, 1).reshape(len(none), -1)
    return flat[:, :channels], flat[:, channels]


def painted(
    twin: Twin,
    camera: Camera,
    values: Float[Array, "n c"],
    outside: Float[Array, " c"],
) -> Float[Array, "c h w"]:
    """Returns how values of the Gaussians look.

    Args:
        twin: the object.
        camera: that sees them.
        values: of each Gaussian, any number of them.
        outside: values where no Gaussian is.
    """
    channels = values.shape[1]
    padded = jnp.pad(values - outside, ((0, 0), (0, -channels % 3)))
    threes = jnp.moveaxis(padded.reshape(len(padded), -1, 3), 1, 0)
    images = jax.lax.map(lambda colors: _seen(twin, camera, colors), threes)
    flat = jnp.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3])
    return flat[:channels] + outside[:, None, None]


@jax.jit
def views_that_see(twin: Twin, views: Camera) -> Float[Array, " n"]:
    """Returns of how many views each Gaussian is seen, as many as count.

    It is Kish's effective sample size of its weights, (sum w)^2 / sum w^2: a view that
    shows little of it beside the others adds little.

    Args:
        twin: the object.
        views: v cameras.
    """
    means = twin.gaussians.means
    nothing = jnp.zeros((1, views.height, views.width), means.dtype)

    def add(
        sums: tuple[Array, Array], view: Camera
    ) -> tuple[tuple[Array, Array], None]:
        weights = paint(twin, view, nothing)[1]
        return (sums[0] + weights, sums[1] + weights**2), None

    none = jnp.zeros(len(means), means.dtype)
    (total, squares), _ = jax.lax.scan(add, (none, none), views)
    return total**2 / jnp.maximum(squares, 1e-12)


def of_size(camera: Camera, height: int, width: int) -> Camera:
    """Returns a camera of about a size, but no larger than it is.

    The renderer's lists are planned for the camera's own size.
    """
    shrink = min(1.0, height / camera.height, width / camera.width)
    size = round(camera.width * shrink), round(camera.height * shrink)
    return cameras.resized(camera, *size)


def _seen(
    twin: Twin, camera: Camera, colors: Float[Array, "n 3"]
) -> Float[Array, "h w 3"]:
    gaussians = dataclasses.replace(twin.gaussians, colors=colors, sh_rest=None)
    return look(dataclasses.replace(twin, gaussians=gaussians), camera).color
