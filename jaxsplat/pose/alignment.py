"""Direct image alignment: normal equations of a pose without rendering anew.

A render with depth is a surface that can be moved. Each of its pixels is carried to
where it would be seen from another pose, and compared with the photograph there, as in
direct visual odometry (Kerl, Sturm and Cremers 2013). That is exact at the pose of the
render and holds some degrees around it, at a small part of a render's cost. Gradients
are the render's own (Baker and Matthews 2004). Means with the photograph's (Malis 2004)
reach as far, and doubled the error on the NeRF-synthetic chair.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat.core import resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import robust
from jaxsplat.rendering import NormalEquations, motion, solids
from jaxsplat.rendering import exposure as exposures
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.rendering.twin import Twin, look

_MIN_DEPTH = 1e-3  # inside units, of which cameras are about 4 away
# Coverage from which a pixel's own depth is taken.
_SOLID = 0.5
# Below the first coverage a pixel shows the surroundings, above the second it counts
# before unknown ones.
_CLEAR, _PARTLY = 0.02, 0.1
# Before unknown surroundings an object counts as if it covered this share of the image.
_SHARE = 0.25
# Around the object its depth goes on for so many pixels, so that the background beside
# an outline moves with the outline; beyond, the depth of the centre is taken.
_REACH = 4
_FAINT = 1e-2


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Template:
    """A render that can be moved.

    Attributes:
        color: RGB times coverage, [3, h, w].
        alpha: coverage, [h, w].
        depth: along the optical axis, at every pixel, [h, w].
        camera: that it was rendered from.
    """

    color: Float[Array, "*b 3 h w"]
    alpha: Float[Array, "*b h w"]
    depth: Float[Array, "*b h w"]
    camera: Camera


def render_template(
    twin: Twin, camera: Camera, solid: float | None = None
) -> tuple[Template, Array]:
    """Returns the template seen by one camera, and `rendering.Rendered.needed`.

    Args:
        twin: the good object. Far from it, the depth of its centre is taken.
        camera: one camera, of any image size up to the twin's.
        solid: for a closed surface in white, to be compared with masks: its
            `scene.meshes.Mesh2Splat.scale`.
    """
    drawn = look(twin, camera)
    far = _FAINT * se3.apply(camera.camera_from_world, twin.center)[2]
    beside = (spread(drawn.depth) + far) / (spread(drawn.alpha) + _FAINT)
    own = drawn.depth / jnp.maximum(drawn.alpha, _FAINT)
    depth = jnp.where(drawn.alpha > _SOLID, own, beside)
    color, alpha = jnp.moveaxis(drawn.color, -1, 0), drawn.alpha
    if solid is not None:
        alpha = solids.coverage(alpha, solid)
        color = jnp.broadcast_to(alpha, color.shape)
    return Template(color, alpha, depth, camera), drawn.needed


def spread(image: Float[Array, "*b h w"]) -> Float[Array, "*b h w"]:
    """Returns sums over squares that reach `_REACH` pixels to each side."""
    # As matrix products: they compile much faster than windows inside a fusion.
    rows, columns = (jnp.asarray(_band(size)) for size in image.shape[-2:])
    return se3.matmul(se3.matmul(rows, image), columns)


def _band(size: int) -> Float[np.ndarray, "size size"]:
    place = np.arange(size)
    return (np.abs(place - place[:, None]) <= _REACH).astype(np.float32)


class _Moved(NamedTuple):
    """The template's pixels as another camera sees them, and what it saw there."""

    x: Array  # camera axes, [h, w]
    y: Array
    z: Array
    nearness: Array  # 1 / z
    inside: Array  # whether the photograph shows the place
    observed: Array  # the photograph, [3, h, w]
    change: Array  # from the template's camera axes to the other's, [4, 4]


def _move(
    template: Template, planes: Array, camera: Camera, pose: Array, beyond: Array
) -> _Moved:
    taken_by = template.camera
    height, width = template.alpha.shape
    columns = (resampling.pixel_centers(width) - taken_by.cx) / taken_by.fx
    rows = (resampling.pixel_centers(height)[:, None] - taken_by.cy) / taken_by.fy
    change = se3.matmul(pose, se3.inverse(taken_by.camera_from_world))
    x, y, z = (
        template.depth * (row[0] * columns + row[1] * rows + row[2]) + row[3]
        for row in change[:3]
    )
    nearness = 1 / jnp.maximum(z, _MIN_DEPTH)
    u = camera.fx * x * nearness + camera.cx
    v = camera.fy * y * nearness + camera.cy
    inside = (u >= 0) & (u <= camera.width) & (v >= 0) & (v <= camera.height)
    observed = resampling.bilinear(planes, u, v)
    observed = jnp.where(inside, observed, beyond[:, None, None])
    return _Moved(x, y, z, nearness, inside, observed, change)


def estimate_exposure(
    template: Template,
    photograph: Float[Array, "h w 3"],
    camera: Camera,
    background: Float[Array, "3"],
    plain: Bool[Array, ""],
) -> Exposure:
    """Returns the exposure of a photograph taken from about the camera's pose.

    Args:
        template: the good object.
        photograph: RGB, [h, w, 3].
        camera: of the photograph.
        background: RGB behind the object in the photograph, [3].
        plain: whether nothing else stands there.
    """
    planes = jnp.moveaxis(photograph, -1, 0)
    seen = _move(template, planes, camera, camera.camera_from_world, background)
    return exposures.estimate(
        template.color, template.alpha, seen.observed, seen.inside, background, plain
    )


def equations(
    template: Template,
    photograph: Float[Array, "h w 3"],
    camera: Camera,
    center: Float[Array, "3"],
    exposure: Exposure,
    plain: Bool[Array, ""],
    scale: float,
) -> Callable[[Float[Array, "4 4"]], NormalEquations]:
    """Returns the function from a pose to the equations of the moved template there.

    The parameters are those of `rendering.motion.moved`. Pixels that move out of the
    photograph meet its background and do not pull. Before unknown surroundings only the
    object's own pixels count, and the cost is that of a fixed number of them: else the
    least of an object would explain a photograph best.

    Args:
        template: the good object, of any image size.
        photograph: RGB, [h, w, 3].
        camera: of the photograph; its pose is not looked at.
        center: point of the world that rotations turn about, [3].
        exposure: of the photograph.
        plain: whether one colour stands behind the object in it.
        scale: residual at which a pixel's influence begins to fall; the cost is that of
            `rendering.NormalEquations`.
    """
    planes = jnp.moveaxis(photograph, -1, 0)
    around = _surroundings(template, planes, camera, exposure)
    behind = jnp.where(plain, exposure.background[:, None, None], around)
    expected = exposure.apply(template.color, template.alpha, behind)
    partly = jnp.clip(template.alpha / _PARTLY, 0.0, 1.0)
    share = _SHARE * partly.size / jnp.maximum(jnp.sum(partly), 1.0)
    counted = jnp.where(plain, 1.0, share * partly)
    gradient = slopes(expected)
    distance = se3.apply(template.camera.camera_from_world, center)[2]

    def at(pose: Float[Array, "4 4"]) -> NormalEquations:
        seen = _move(template, planes, camera, pose, exposure.surroundings)
        here = se3.apply(pose, center)
        # The template's gradients turn and shrink with it, to first order.
        shrunk = jnp.maximum(here[2], _MIN_DEPTH) / distance
        shrunk = shrunk * template.camera.fx / camera.fx
        turn = _in_plane(seen.change)
        gu = shrunk * (turn[0] * gradient[0] - turn[1] * gradient[1])
        gv = shrunk * (turn[1] * gradient[0] + turn[0] * gradient[1])
        residual = expected - seen.observed
        loss = robust.geman_mcclure(_dot(residual, residual), scale)
        weight = jnp.where(seen.inside, counted * loss.weights, 0.0)
        uu, uv, vv = (weight * _dot(*g) for g in ((gu, gu), (gu, gv), (gv, gv)))
        ur, vr = (weight * _dot(g, residual) for g in (gu, gv))
        du, dv = _flow(seen, camera, here)
        # One matrix product over pixels gives all sums. A template that moves to the
        # right meets the photograph further right: residuals fall by the gradient.
        left = jnp.stack([*du, *dv]).reshape(2 * motion.POSE, -1)
        right = [uu * a + uv * b for a, b in zip(du, dv)]
        right += [uv * a + vv * b for a, b in zip(du, dv)]
        sums = se3.matmul(
            left, jnp.stack([*right, ur, vr]).reshape(len(right) + 2, -1).T
        )
        first, second = sums[: motion.POSE], sums[motion.POSE :]
        matrix = first[:, : motion.POSE] + second[:, motion.POSE : -2]
        vector = -(first[:, -2] + second[:, -1])
        cost = 0.5 * jnp.sum(counted * loss.losses)
        return NormalEquations(matrix, vector, cost, jnp.int32(0))

    return at


def _surroundings(
    template: Template, planes: Array, camera: Camera, exposure: Exposure
) -> Float[Array, "3 h w"]:
    """Returns what the photograph shows beside the object, carried on beneath it.

    An outline is then an edge between the object and what is next to it, as it is
    before a plain background.
    """
    pose = template.camera.camera_from_world
    here = _move(template, planes, camera, pose, exposure.surroundings)
    clear = ((template.alpha < _CLEAR) & here.inside).astype(jnp.float32)
    known = spread(clear)
    beside = spread(here.observed * clear) / jnp.maximum(known, 1.0)
    # Far inside nothing shows through; the object's own colours make no edge there.
    own = spread(template.color) / (spread(template.alpha) + _FAINT)
    return jnp.where(known > 0, beside, own)


def slopes(image: Float[Array, "c h w"]) -> tuple[Array, Array]:
    """Returns central differences by column and by row."""
    padded = jnp.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = 0.5 * (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    down = 0.5 * (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return across, down


def _in_plane(change: Float[Array, "4 4"]) -> tuple[Array, Array]:
    """Returns cosine and sine of a motion's rotation about the optical axis."""
    cosine = change[0, 0] + change[1, 1]
    sine = change[1, 0] - change[0, 1]
    length = jnp.maximum(jnp.hypot(cosine, sine), 1e-6)
    return cosine / length, sine / length


def _flow(
    seen: _Moved, camera: Camera, here: Float[Array, "3"]
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Returns the derivatives of the pixels' columns and rows by the six parameters."""
    ax, ay, az = seen.x - here[0], seen.y - here[1], seen.z - here[2]
    a, b = camera.fx * seen.nearness, camera.fy * seen.nearness
    c, d = -a * seen.x * seen.nearness, -b * seen.y * seen.nearness
    none = jnp.zeros_like(a)
    du = (a, none, c, c * ay, a * az - c * ax, -a * ay)
    dv = (none, b, d, d * ay - b * az, -d * ax, b * ax)
    return du, dv


def _dot(left: Float[Array, "3 h w"], right: Float[Array, "3 h w"]) -> Array:
    """Returns the sum over the channels, written out: XLA reduces slowly on a CPU."""
    return left[0] * right[0] + left[1] * right[1] + left[2] * right[2]
