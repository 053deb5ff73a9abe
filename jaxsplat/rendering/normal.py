"""Gauss-Newton's normal equations of a pose, straight from the rasteriser."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import precision
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import (
    api,
    backends,
    motion,
    normal_form,
    projection,
    splat_table,
    tiling,
    xla_normal,
)
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.normal_form import CHANNELS, NormalEquations, Photograph
from jaxsplat.rendering.numba import normal as numba_normal
from jaxsplat.rendering.pallas import normal as pallas_normal
from jaxsplat.rendering.pallas.compositing import launch_for
from jaxsplat.scene.gaussians import Gaussians


def normal_equations(
    gaussians: Gaussians,
    camera: Camera,
    photograph: Photograph,
    *,
    center: Float[Array, "3"] | None = None,
    background: Float[Array, "3"] | None = None,
    exposure: bool = False,
    backend: Backend | None = None,
    capacity: int | None = None,
    minification: float | Float[Array, ""] | None = None,
    lists: TileLists | None = None,
) -> NormalEquations:
    """Returns the normal equations of a photograph about one pose.

    The residual is gain * render + offset - photograph; the parameters are those of
    `motion.moved` and, with `exposure`, gain and offset. One pass over the pixels gives
    the sums, without images or Jacobians in memory. Works under `jit` and `vmap` over
    cameras and photographs; `reference` does it by JAX's own forward mode.

    Args:
        gaussians: the good object, `n` rows.
        camera: where the photograph may have been taken.
        photograph: what the camera saw, and how residuals count.
        center: point that rotations turn about in the world, the origin when None.
        background: RGB behind the scene, black when None.
        exposure: whether gain and offset are parameters too.
        backend: as in `render.render`.
        capacity: as in `render.render`, the equations NaN where the image would be; not
            looked at where `lists` are given.
        minification: as in `render.render`.
        lists: tile lists of a nearby pose, with enough padding, from `tile_lists`; made
            from this pose when None.

    Raises:
        ConfigError: the named backend is unknown or cannot run here.
    """
    chosen = backends.resolve_backend(backend)
    whole = lists is None and capacity is None
    if lists is None and capacity is None:
        capacity = api.capacity_for(gaussians, camera, chosen, minification)
    zero = jnp.zeros(3, jnp.float32)
    center = zero if center is None else center
    background = zero if background is None else background
    seen = precision.single((gaussians, camera, photograph, center, background))
    minification = precision.single(minification)
    return _normal_equations(
        *seen, lists, exposure, chosen, capacity, minification, whole
    )


@functools.partial(
    jax.jit, static_argnames=("exposure", "backend", "capacity", "whole")
)
def _normal_equations(
    gaussians: Gaussians,
    camera: Camera,
    photograph: Photograph,
    center: Array,
    background: Array,
    lists: TileLists | None,
    exposure: bool,
    backend: Backend,
    capacity: int | None,
    minification: float | Array | None,
    whole: bool,
) -> NormalEquations:
    count = normal_form.parameter_count(exposure)
    settings = jnp.concatenate(
        [
            photograph.gain,
            photograph.offset,
            1 / photograph.scale[None] ** 2,
            background,
        ]
    )
    weighted = [photograph.image, photograph.weights[..., None]]
    target = jnp.moveaxis(jnp.concatenate(weighted, axis=-1), -1, 0)
    if backend == "reference" or gaussians.means.shape[0] == 0:
        totals = _by_forward_mode(
            gaussians, camera, center, target, settings, exposure, minification
        )
        return normal_form.assemble(totals, count, jnp.int32(0))
    splats, tangents = motion.project(gaussians, camera, center, minification)
    if lists is None:
        assert capacity is not None
        if backend == "numba":
            size = camera.width, camera.height
            lists = numba_normal.tile_lists(splats, *size, capacity)
        else:
            lists = api.bin_for(splats, camera, capacity, backend)
    table = splat_table.table(
        dataclasses.replace(splats, colors=splats.colors - background)
    )
    bounds = lists.ids, lists.starts, lists.ends
    if backend in ("xla", "numba"):
        by_tiles = xla_normal if backend == "xla" else numba_normal
        totals = by_tiles.normal_equations(
            table, tangents, bounds, target, settings, exposure
        )
    else:
        interpret = backend == "pallas_interpret"
        launch = launch_for(camera.width, camera.height, interpret)
        tiles = jnp.swapaxes(tiling.cut(target), 1, 2)
        totals = pallas_normal.normal_equations(
            table, tangents, bounds, tiles, settings, exposure, launch
        )
    if whole:
        assert capacity is not None
        totals = api.unless_incomplete(totals, lists.needed, capacity)
    return normal_form.assemble(totals, count, lists.needed)


def _by_forward_mode(
    gaussians: Gaussians,
    camera: Camera,
    center: Array,
    target: Array,
    settings: Array,
    exposure: bool,
    minification: float | Array | None,
) -> Float[Array, " s"]:
    """Returns the sums from the reference renderer and JAX's derivative of it."""

    def color(twist: Array) -> tuple[Array, Array]:
        drawn = api.render(
            gaussians,
            motion.moved(camera, twist, center),
            background=settings[normal_form.BACKGROUND],
            backend="reference",
            minification=minification,
        ).color
        channels = jnp.moveaxis(drawn, -1, 0)
        return channels, channels

    still = jnp.zeros(motion.POSE, jnp.float32)
    jacobian, image = jax.jacfwd(color, has_aux=True)(still)
    found = normal_form.products(
        [[jacobian[c, ..., k] for c in range(CHANNELS)] for k in range(motion.POSE)],
        list(image),
        list(target[:CHANNELS]),
        target[CHANNELS],
        list(settings[: normal_form.EXPOSURE + 1]),
        exposure,
    )
    return jnp.stack([jnp.sum(value) for value in found])


@functools.partial(
    jax.jit,
    static_argnames=("padding", "capacity"),
)
def tile_lists(
    gaussians: Gaussians,
    camera: Camera,
    *,
    capacity: int,
    padding: float = 0.0,
    minification: float | Float[Array, ""] | None = None,
) -> TileLists:
    """Returns the tile lists that `normal_equations` would make.

    Args:
        gaussians: the good object.
        camera: one camera.
        capacity: slots for (tile, splat) pairs.
        padding: pixels by which splats may move before the lists miss any.
        minification: as in `render.render`.
    """
    scene = precision.single((gaussians, camera, minification))
    splats = projection.project(*scene)
    return api.bin_for(splats, camera, capacity, "xla", padding)
