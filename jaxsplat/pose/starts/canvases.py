"""Photographs as squares of one size, and the cameras that see them so."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import exposure


def canvas(
    images: Float[Array, "b h w 3"], background: Float[Array, "3"], longest: int
) -> Float[Array, "b s s 3"]:
    """Returns images in the middle of squares of their border's colour.

    Larger squares than the features are taken from are shrunk.

    Args:
        images: of one size.
        background: colour where the border is nothing like it.
        longest: side of the largest square.
    """
    height, width = images.shape[1:3]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2

    def one(image: Array) -> Array:
        around = exposure.border_color(image, background)
        square = jnp.broadcast_to(around, (side, side, 3))
        return square.at[top : top + height, left : left + width].set(image)

    squares = jax.vmap(one)(images)
    if side <= longest:
        return squares
    return resampling.area_resize(squares, longest, longest)


def on_canvas(camera: Camera, side: int) -> Camera:
    """Returns the camera of a photograph's canvas."""
    longer = max(camera.width, camera.height)
    right, down = (longer - camera.width) // 2, (longer - camera.height) // 2
    moved = dataclasses.replace(
        camera,
        cx=camera.cx + right,
        cy=camera.cy + down,
        width=longer,
        height=longer,
    )
    return cameras.resized(moved, side, side)


def tangents(camera: Camera, places: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    """Returns pixels as tangents of the angles to the optical axis."""
    middle = jnp.stack([camera.cx, camera.cy])
    return (places - middle) / jnp.stack([camera.fx, camera.fy])
