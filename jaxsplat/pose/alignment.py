"""Direct image alignment: normal equations of a pose without rendering anew.

A render with depth is a surface that can be moved. Each of its pixels is carried to
where it would be seen from another pose, and compared with the photograph there, as in
direct visual odometry (Kerl, Sturm and Cremers 2013). That is exact at the pose of the
render and holds some degrees around it, at a small part of a render's cost. Gradients
are the render's own (Baker and Matthews 2004). Means with the photograph's (Malis 2004)
reach as far, and doubled the error on the NeRF-synthetic chair.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat.core import resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose import moving
from jaxsplat.pose.moving import Moved
from jaxsplat.rendering import NormalEquations, motion, solids
from jaxsplat.rendering import exposure as exposures
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.rendering.twin import Twin, look

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


def _move(
    template: Template, planes: Array, camera: Camera, pose: Array, beyond: Array
) -> tuple[Moved, Array]:
    """Returns the template's pixels as a camera at a pose sees them, and the change.

    That is the motion from the template's camera axes to the other's, [4, 4].
    """
    taken_by = template.camera
    height, width = template.alpha.shape
    columns = (resampling.pixel_centers(width) - taken_by.cx) / taken_by.fx
    rows = (resampling.pixel_centers(height)[:, None] - taken_by.cy) / taken_by.fy
    change = se3.matmul(pose, se3.inverse(taken_by.camera_from_world))

    def look(u: Array, v: Array) -> Array:
        return resampling.bilinear(planes, u, v)

    lens = moving.lens_of(camera)
    seen = moving.move(template.depth, (columns, rows), change, lens, look, beyond)
    return seen, change


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
    pose = camera.camera_from_world
    seen, _ = _move(template, planes, camera, pose, background)
    observed = jnp.stack(seen.observed)
    return exposures.estimate(
        template.color, template.alpha, observed, seen.inside, background, plain
    )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """A template and a photograph that it is to be aligned with.

    Attributes:
        template: the good object, of any image size.
        photograph: RGB, channels first, [3, h, w].
        camera: of the photograph; its pose is not looked at.
        center: point of the world that rotations turn about, [3].
        beyond: RGB beside the photograph, [3].
        expected: what the photograph should show at the template's pixels, [3, h, w].
        across: slope of that by column; `down` by row, [3, h, w].
        down: see `across`.
        counted: the pixels' weights, [h, w].
        scale: residual at which a pixel's influence begins to fall; the cost is that of
            `rendering.NormalEquations` (static).
    """

    template: Template
    photograph: Float[Array, "*b 3 h2 w2"]
    camera: Camera
    center: Float[Array, "*b 3"]
    beyond: Float[Array, "*b 3"]
    expected: Float[Array, "*b 3 h w"]
    across: Float[Array, "*b 3 h w"]
    down: Float[Array, "*b 3 h w"]
    counted: Float[Array, "*b h w"]
    scale: float = dataclasses.field(metadata=dict(static=True))


def problem(
    template: Template,
    photograph: Float[Array, "h w 3"],
    camera: Camera,
    center: Float[Array, "3"],
    exposure: Exposure,
    plain: Bool[Array, ""],
    scale: float,
) -> Problem:
    """Returns a template and a photograph that it is to be aligned with.

    Before unknown surroundings only the object's own pixels count, and the cost is that
    of a fixed number of them: else the least of an object would explain a photograph
    best.

    Args:
        template: see `Problem`.
        photograph: RGB, [h, w, 3].
        camera: see `Problem`.
        center: see `Problem`.
        exposure: of the photograph.
        plain: whether one colour stands behind the object in it.
        scale: see `Problem`.
    """
    planes = jnp.moveaxis(photograph, -1, 0)
    around = _surroundings(template, planes, camera, exposure)
    behind = jnp.where(plain, exposure.background[:, None, None], around)
    expected = exposure.apply(template.color, template.alpha, behind)
    partly = jnp.clip(template.alpha / _PARTLY, 0.0, 1.0)
    share = _SHARE * partly.size / jnp.maximum(jnp.sum(partly), 1.0)
    counted = jnp.where(plain, 1.0, share * partly)
    return Problem(
        template,
        planes,
        camera,
        center,
        exposure.surroundings,
        expected,
        *slopes(expected),
        counted,
        scale,
    )


def equations(problem: Problem, pose: Float[Array, "4 4"]) -> NormalEquations:
    """Returns the equations of the moved template at a pose.

    The parameters are those of `rendering.motion.moved`. Pixels that move out of the
    photograph meet its background and do not pull.
    """
    template, camera = problem.template, problem.camera
    seen, change = _move(template, problem.photograph, camera, pose, problem.beyond)
    lens, here = moving.lens_of(camera), se3.apply(pose, problem.center)
    distance = se3.apply(template.camera.camera_from_world, problem.center)[2]
    turn = moving.turn(change, here, distance, template.camera.fx / camera.fx)
    gradient = problem.across, problem.down
    pull = moving.pull(
        seen, problem.expected, gradient, turn, problem.counted, problem.scale
    )
    du, dv = moving.flow(seen, lens, here)
    # One matrix product over pixels gives all sums. A template that moves to the right
    # meets the photograph further right: residuals fall by the gradient.
    left = jnp.stack([*du, *dv]).reshape(2 * motion.POSE, -1)
    right = [pull.uu * a + pull.uv * b for a, b in zip(du, dv)]
    right += [pull.uv * a + pull.vv * b for a, b in zip(du, dv)]
    right += [pull.ur, pull.vr]
    sums = se3.matmul(left, jnp.stack(right).reshape(len(right), -1).T)
    first, second = sums[: motion.POSE], sums[motion.POSE :]
    matrix = first[:, : motion.POSE] + second[:, motion.POSE : -2]
    vector = -(first[:, -2] + second[:, -1])
    return NormalEquations(matrix, vector, 0.5 * jnp.sum(pull.loss), jnp.int32(0))


def _surroundings(
    template: Template, planes: Array, camera: Camera, exposure: Exposure
) -> Float[Array, "3 h w"]:
    """Returns what the photograph shows beside the object, carried on beneath it.

    An outline is then an edge between the object and what is next to it, as it is
    before a plain background.
    """
    pose = template.camera.camera_from_world
    here, _ = _move(template, planes, camera, pose, exposure.surroundings)
    clear = ((template.alpha < _CLEAR) & here.inside).astype(jnp.float32)
    known = spread(clear)
    beside = spread(jnp.stack(here.observed) * clear) / jnp.maximum(known, 1.0)
    # Far inside nothing shows through; the object's own colours make no edge there.
    own = spread(template.color) / (spread(template.alpha) + _FAINT)
    return jnp.where(known > 0, beside, own)


def slopes(image: Float[Array, "c h w"]) -> tuple[Array, Array]:
    """Returns central differences by column and by row."""
    padded = jnp.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = 0.5 * (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    down = 0.5 * (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return across, down
