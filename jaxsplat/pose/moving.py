"""A moved template's pixels, each by itself: where they go, and what each pulls.

Of numbers, arrays of any one shape, or what a kernel holds, so that every backend
computes the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from jaxsplat.core.cameras import Camera
from jaxsplat.pose import robust

MIN_DEPTH = 1e-3  # inside units, of which cameras are about 4 away
Rows = Sequence[Sequence[Array]] | Array
Channels = Sequence[Array] | Array


class Lens(NamedTuple):
    """A camera without its pose; see `Camera`."""

    fx: Array
    fy: Array
    cx: Array
    cy: Array
    width: int
    height: int


def lens_of(camera: Camera) -> Lens:
    """Returns a camera's lens."""
    return Lens(camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)


class Moved(NamedTuple):
    """The template's pixels as another camera sees them, and what it saw there."""

    x: Array  # camera axes
    y: Array
    z: Array
    nearness: Array  # 1 / z
    inside: Array  # whether the photograph shows the place
    observed: Channels  # the photograph


def move(
    depth: Array,
    ray: tuple[Array, Array],
    change: Rows,
    lens: Lens,
    look: Callable[[Array, Array], Channels],
    beyond: Channels,
) -> Moved:
    """Returns pixels after a motion.

    Args:
        depth: of each.
        ray: x and y of the direction in which the template's camera sees it, one deep.
        change: from the template's camera axes to the other's, rows of four.
        lens: of the other camera.
        look: from columns and rows to the photograph there, by channel.
        beyond: colour outside the photograph, that broadcasts against a channel.
    """
    columns, rows = ray
    x, y, z = (
        depth * (row[0] * columns + row[1] * rows + row[2]) + row[3]
        for row in (change[0], change[1], change[2])
    )
    nearness = 1 / jnp.maximum(z, MIN_DEPTH)
    u = lens.fx * x * nearness + lens.cx
    v = lens.fy * y * nearness + lens.cy
    inside = (u >= 0) & (u <= lens.width) & (v >= 0) & (v <= lens.height)
    observed = [
        jnp.where(inside, seen, behind) for seen, behind in zip(look(u, v), beyond)
    ]
    return Moved(x, y, z, nearness, inside, observed)


def turn(change: Rows, here: Channels, distance: Array, zoom: Array) -> tuple:
    """Returns by what a gradient of the template is multiplied to move with it.

    It turns and shrinks, to first order.

    Args:
        change: see `move`.
        here: the point that rotations turn about, in the other camera's axes.
        distance: its depth before the template's camera.
        zoom: the template's focal length over the other's.

    Returns:
        Cosine and sine of the rotation about the optical axis, times the change of
        size.
    """
    cosine = change[0][0] + change[1][1]
    sine = change[1][0] - change[0][1]
    length = jnp.maximum(jnp.sqrt(cosine * cosine + sine * sine), 1e-6)
    shrunk = jnp.maximum(here[2], MIN_DEPTH) / distance * zoom
    return shrunk * (cosine / length), shrunk * (sine / length)


def flow(
    seen: Moved, lens: Lens, here: Channels
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Returns the derivatives of the pixels' columns and rows by the six parameters."""
    ax, ay, az = seen.x - here[0], seen.y - here[1], seen.z - here[2]
    a, b = lens.fx * seen.nearness, lens.fy * seen.nearness
    c, d = -a * seen.x * seen.nearness, -b * seen.y * seen.nearness
    none = jnp.zeros_like(a)
    du = (a, none, c, c * ay, a * az - c * ax, -a * ay)
    dv = (none, b, d, d * ay - b * az, -d * ax, b * ax)
    return du, dv


class Pull(NamedTuple):
    """A pixel's part of the normal equations, before its flow.

    Of the products of the gradients (g_u, g_v) and the residual r, weighted.
    """

    uu: Array
    uv: Array
    vv: Array
    ur: Array
    vr: Array
    loss: Array  # twice the pixel's cost


def pull(
    seen: Moved,
    expected: Channels,
    gradient: tuple[Channels, Channels],
    turn: tuple[Array, Array],
    counted: Array,
    scale: float,
) -> Pull:
    """Returns what each pixel pulls.

    Args:
        seen: where it is, and what the photograph shows there.
        expected: what it should show, by channel.
        gradient: of that by column and by row, by channel.
        turn: see the function.
        counted: the pixel's weight.
        scale: residual at which its influence begins to fall.
    """
    cosine, sine = turn
    gu, gv, residual = [], [], []
    for channel, observed in enumerate(seen.observed):
        across, down = gradient[0][channel], gradient[1][channel]
        gu.append(cosine * across - sine * down)
        gv.append(sine * across + cosine * down)
        residual.append(expected[channel] - observed)
    loss = robust.geman_mcclure(dot(residual, residual), scale)
    weight = jnp.where(seen.inside, counted * loss.weights, 0.0)
    return Pull(
        weight * dot(gu, gu),
        weight * dot(gu, gv),
        weight * dot(gv, gv),
        weight * dot(gu, residual),
        weight * dot(gv, residual),
        counted * loss.losses,
    )


def dot(left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Returns the product of the first three entries.

    Written out: XLA reduces slowly on a CPU.
    """
    return left[0] * right[0] + left[1] * right[1] + left[2] * right[2]
