"""Where in a photograph a view of the gallery may be, whatever surrounds it there.

Template matching over the object's pixels alone: no outline need be known, so that the
background may be clutter, and the frame or something in front may hide a part. What is
compared are colours, by normalised cross-correlation, and the directions of edges by
doubled angles, whose sign does not matter: an outline may be lighter or darker than
what is behind it (after Steger 2002). The photograph is turned and zoomed by steps;
each is then a few convolutions with the windows of all views.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import alignment
from jaxsplat.pose.alignment import Template

# Rotations about the optical axis, 15 degrees apart.
TURNS = np.linspace(0.0, 2 * np.pi, 24, endpoint=False).astype(np.float32)
# From one place of a window's middle to the next, in sides of the window.
_STRIDE = 1 / 8
# Places on either side of the photograph's middle, at most: beyond, most of an object
# that fills the photograph would be outside.
_MOST_PLACES = 6
# Variance of colours below which they tell nothing.
_FAINT = 1e-3
# Edges are found again before clutter, where colours alone mislead: on three objects
# before pasted photographs .38 of the poses were found by colours, .9 and more with
# edges counted so many times.
_EDGES = 3.0
# Slope of a colour, by pixel of a fine canvas, from which it is an edge.
_EDGE = 0.05
# An outline makes an edge of this height, whatever is behind it.
_OUTLINE = 0.5


@dataclasses.dataclass(frozen=True)
class Search:
    """Where in a photograph the object is looked for, and how closely.

    Attributes:
        side: pixels of a window.
        zooms: of the object, 1 where it is as far away as in the views.
        around: places on either side of the photograph's middle.
    """

    side: int
    zooms: tuple[float, ...]
    around: int


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Windows:
    """The views of a gallery, cut out about the object's centre at one scale.

    Attributes:
        colors: difference from the object's mean colour, times coverage, of unit norm,
            [v, 3, s, s]. Zero for views that are not to be found.
        weights: coverage, of unit sum, [v, s, s].
        edges: cosine and sine of twice the direction of edges, of unit sum of lengths,
            [v, 2, s, s]. Zero likewise.
        reach: half the side of a window, as a tangent of the angle it is seen at.
        search: with them (static).
    """

    colors: Float[Array, "v 3 s s"]
    weights: Float[Array, "v s s"]
    edges: Float[Array, "v 2 s s"]
    reach: Float[Array, ""]
    search: Search = dataclasses.field(metadata=dict(static=True))


class Places(NamedTuple):
    """Where views were found, best first.

    Attributes:
        view: index of the view, [k].
        turn: by which the photograph shows it turned, in radians, [k].
        zoom: by which the distance is multiplied, [k].
        center: column and row of the object's centre in pixels, [k, 2].
        similarity: of colours, at most 1, plus that of edges, at most `_EDGES`, [k].
    """

    view: Int[Array, " k"]
    turn: Float[Array, " k"]
    zoom: Float[Array, " k"]
    center: Float[Array, "k 2"]
    similarity: Float[Array, " k"]


def reach_of(template: Template, center: Float[Array, "3"]) -> Float[Array, ""]:
    """Returns how far a view's object extends from its centre, as a tangent."""
    camera = template.camera
    height, width = template.alpha.shape
    middle = project(camera, center)
    x = (resampling.pixel_centers(width) - middle[0]) / camera.fx
    y = (resampling.pixel_centers(height)[:, None] - middle[1]) / camera.fy
    return jnp.max(jnp.where(template.alpha > 0.5, jnp.hypot(x, y), 0.0))


def project(camera: Camera, point: Float[Array, "3"]) -> Float[Array, "2"]:
    """Returns the column and row at which a camera sees a point of the world."""
    x, y, z = se3.apply(camera.camera_from_world, point)
    return jnp.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])


def window(
    template: Template, center: Float[Array, "3"], reach: Float[Array, ""], side: int
) -> tuple[Float[Array, "3 s s"], Float[Array, "s s"], Float[Array, "2 s s"]]:
    """Returns a row of `Windows`: colours, weights and edges of one view.

    Args:
        template: the view.
        center: of the object in the world, [3].
        reach: as in `Windows`.
        side: pixels of the window.
    """
    camera = template.camera
    planes = jnp.concatenate([template.color, template.alpha[None]])
    middle = project(camera, center)
    spacing = 2 * reach * camera.fx / side
    fine = _turned(planes, middle, spacing, jnp.float32(0), side)
    height, width = template.alpha.shape
    offsets = (resampling.pixel_centers(2 * side) / 2 - side / 2) * spacing
    inside = (offsets + middle[0] > 0) & (offsets + middle[0] < width)
    inside &= ((offsets + middle[1] > 0) & (offsets + middle[1] < height))[:, None]
    fine = jnp.where(inside, fine, 0.0)
    canvas = _halved(fine)
    color, alpha = canvas[:3], canvas[3]
    # Put over its own diffused colours, so that the outline makes the same edge
    # everywhere.
    beside = alignment.spread(fine)
    own = fine[:3] + (1 - fine[3]) * beside[:3] / (beside[3] + 1e-2)
    edges = _edges(jnp.concatenate([own, _OUTLINE * fine[3:]]), inside)
    edges = edges / jnp.maximum(jnp.sum(jnp.hypot(edges[0], edges[1])), 1e-6)
    mass = jnp.maximum(jnp.sum(alpha), 1e-6)
    mean = jnp.sum(color) / (3 * mass)
    straight = color / jnp.maximum(alpha, 1e-3)
    residual = alpha * (straight - mean)
    variance = jnp.sum(alpha * jnp.sum((straight - mean) ** 2, axis=0)) / mass
    scale = mass * jnp.sqrt(variance + _FAINT)
    return residual / scale, alpha / mass, edges


def _edges(
    fine: Float[Array, "c h w"], counts: Bool[Array, "h w"] | None = None
) -> Float[Array, "2 h2 w2"]:
    """Returns the directions of edges at half the size, [2, h / 2, w / 2].

    Args:
        fine: the planes of an image.
        counts: pixels that may have an edge; all when None.
    """
    across, down = alignment.slopes(fine)
    if counts is not None:
        across, down = jnp.where(counts, across, 0.0), jnp.where(counts, down, 0.0)
    pairs = (across, across), (down, down), (across, down)
    xx, yy, xy = (jnp.sum(a * b, axis=0) for a, b in pairs)
    halved = _halved(jnp.stack([xx - yy, 2 * xy, xx + yy]))
    return halved[:2] / (halved[2] + _EDGE**2)


def places(camera: Camera, reach: float) -> int:
    """Returns how many places on either side of its middle fill a photograph.

    Args:
        camera: of the photographs.
        reach: as in `Windows`.
    """
    step = 2 * reach * float(camera.fx) * _STRIDE
    half = max(camera.width, camera.height) / 2
    return int(np.clip(np.ceil(0.6 * half / step), 1, _MOST_PLACES))


def find(
    windows: Windows, image: Float[Array, "h w 3"], camera: Camera, count: int
) -> Places:
    """Returns where the views are that the photograph is most like.

    Args:
        windows: of the gallery.
        image: the photograph, RGB, [h, w, 3].
        camera: of the photograph; its pose is not looked at.
        count: how many pairs of view and turn to return, each at its best place.
    """
    around, side = windows.search.around, windows.search.side
    stride = round(side * _STRIDE)
    planes = jnp.moveaxis(image, -1, 0)
    planes = jnp.concatenate([planes, jnp.sum(planes * planes, axis=0)[None]])
    middle = 0.5 * jnp.array([camera.width, camera.height], jnp.float32)
    turns, zooms = jnp.asarray(TURNS), jnp.asarray(windows.search.zooms, jnp.float32)

    def at(zoom: Array, turn: Array) -> tuple[Array, Array]:
        """Returns the best similarity over places by view, and the place."""
        spacing = 2 * windows.reach * camera.fx / (side * zoom)
        fine = _turned(planes, middle, spacing, turn, side + 2 * stride * around)
        similarity = _similarity(windows, fine, stride)
        flat = similarity.reshape(len(similarity), -1)
        return jnp.max(flat, axis=1), jnp.argmax(flat, axis=1)

    pairs = tuple(x.ravel() for x in jnp.meshgrid(zooms, turns))
    found, place = (
        x.reshape(len(turns), len(zooms), -1)
        for x in lax.map(lambda pair: at(*pair), pairs)
    )
    best_zoom, best = jnp.argmax(found, axis=1), jnp.max(found, axis=1)
    similarity, chosen = lax.top_k(best.ravel(), min(count, best.size))
    turn, view = jnp.divmod(chosen, best.shape[1])
    zoom = best_zoom[turn, view]
    row, column = jnp.divmod(place[turn, zoom, view], 2 * around + 1)
    angle, factor = turns[turn], zooms[zoom]
    step = 2 * windows.reach * camera.fx * stride / (side * factor)
    x, y = (step * (i - around).astype(jnp.float32) for i in (column, row))
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    aside = jnp.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
    return Places(view, angle, factor, aside + middle, similarity)


def _similarity(
    windows: Windows, fine: Float[Array, "4 h w"], stride: int
) -> Float[Array, "v h2 w2"]:
    """Returns how like each view a photograph is at each place; see `Places`.

    Args:
        windows: of the gallery.
        fine: the photograph at twice the windows' scale: RGB, and the sum of their
            squares.
        stride: pixels of a window from one place to the next.
    """
    canvas, edges = _halved(fine), _edges(fine[:3])
    cross = _compared(canvas[None, :3], windows.colors, stride)[0]
    sums = jnp.stack([jnp.sum(canvas[:3], axis=0), canvas[3]])[:, None]
    means = _compared(sums, windows.weights[:, None], stride)
    variance = means[1] - means[0] ** 2 / 3
    similarity = cross / jnp.sqrt(jnp.maximum(variance, 0.0) + _FAINT)
    return similarity + _EDGES * _compared(edges[None], windows.edges, stride)[0]


def _compared(
    canvases: Float[Array, "n c h w"], windows: Float[Array, "v c s s"], stride: int
) -> Float[Array, "n v h2 w2"]:
    """Returns the scalar products of windows with what is at each place."""
    # As matrix products: on a CPU, XLA's convolutions by strides take many times as
    # long.
    count, channels, height, width = canvases.shape
    side = windows.shape[-1]
    rows, columns = (
        stride * np.arange((n - side) // stride + 1) for n in (height, width)
    )
    near = np.arange(side)
    at = (rows[:, None] + near)[:, None, :, None], (columns[:, None] + near)[:, None]
    patches = canvases[:, :, *at].transpose(0, 2, 3, 1, 4, 5)
    flat = patches.reshape(-1, channels * side * side)
    found = se3.matmul(flat, windows.reshape(len(windows), -1).T)
    return found.reshape(count, len(rows), len(columns), -1).transpose(0, 3, 1, 2)


def _turned(
    planes: Float[Array, "c h w"],
    middle: Float[Array, "2"],
    spacing: Float[Array, ""],
    angle: Float[Array, ""],
    side: int,
) -> Float[Array, "c side2 side2"]:
    """Returns an image turned back by an angle, about a point, at another scale.

    Args:
        planes: the image.
        middle: column and row of the point that comes to the canvas' middle.
        spacing: pixels of the image for two of the canvas.
        angle: in radians, from the column axis towards the row axis.
        side: half the pixels of the canvas' side.
    """
    place = (resampling.pixel_centers(2 * side) / 2 - side / 2) * spacing
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    columns = cosine * place - sine * place[:, None] + middle[0]
    rows = sine * place + cosine * place[:, None] + middle[1]
    return resampling.bilinear(planes, columns, rows)


def _halved(planes: Float[Array, "c h w"]) -> Float[Array, "c h2 w2"]:
    count, height, width = planes.shape
    return planes.reshape(count, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
