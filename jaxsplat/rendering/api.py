"""The renderer's public face: one function, several backends."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core import precision, sizes
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.rendering import backends, binning, projection, reference, tiling, xla
from jaxsplat.rendering.backends import KERNELS, Backend
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.numba import compositing as numba
from jaxsplat.rendering.pallas import compositing
from jaxsplat.rendering.pallas.searching import Search
from jaxsplat.rendering.projection import Splats
from jaxsplat.scene.gaussians import Gaussians

# Of a default: pairs that a small Gaussian takes, and splats over one another in a tile
# of an image that large ones fill.
_PAIRS_OF_GAUSSIAN = 16
_LAYERS = 64
# Cameras whose pairs are counted by one program.
_PLANNED_TOGETHER = 8


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Rendered:
    """One rendered view.

    Attributes:
        color: RGB over the background, not clamped, [h, w, 3].
        alpha: coverage in [0, 1], [h, w].
        depth: opacity-weighted sum of depths, [h, w]; `depth / alpha` is the expected
            depth in scene units.
        needed: (tile, splat) pairs that complete lists take; more than the `capacity`
            that was asked for means that the farthest splats were dropped. 0 where a
            backend keeps no lists.
    """

    color: Float[Array, "*b h w 3"]
    alpha: Float[Array, "*b h w"]
    depth: Float[Array, "*b h w"]
    needed: Int[Array, " *b"]


def default_capacity(n: int, width: int, height: int) -> int:
    """Returns the list capacity taken when none is given and none can be planned.

    Small Gaussians take some tiles each, large ones an area each. Fitted objects need 5
    to 15 pairs a Gaussian, and no image more than every Gaussian in every tile.
    """
    tiles_x, tiles_y = tiling.grid(width, height)
    tiles = tiles_x * tiles_y
    return min(n * tiles, _PAIRS_OF_GAUSSIAN * n + _LAYERS * tiles)


def unless_incomplete(image: Any, needed: Int[Array, ""], capacity: int) -> Any:
    """Returns arrays as they are, NaN where they lack splats that found no slot.

    Gradients are NaN too, for which they are multiplied, not chosen from.

    Args:
        image: float arrays, made from lists of that capacity.
        needed: pairs that complete lists take.
        capacity: slots that there were.
    """
    factor = jnp.where(needed > capacity, jnp.float32(jnp.nan), jnp.float32(1))
    return jax.tree.map(lambda leaf: leaf * factor, image)


@jax.jit
def _needed(
    gaussians: Gaussians, cameras: Camera, minification: Array | None
) -> Int[Array, " b"]:
    def one(view: tuple[Camera, Array | None]) -> Int[Array, ""]:
        camera, minification = view
        splats = projection.project(gaussians, camera, minification)
        return binning.count_pairs(splats, camera.width, camera.height)

    return jax.lax.map(one, (cameras, minification))


def plan(
    gaussians: Gaussians,
    cameras: Camera,
    slack: float = 1.25,
    *,
    minification: float | Float[Array, "..."] | None = None,
    in_octave: int = 4,
) -> int:
    """Returns a list capacity that fits every given camera, from concrete arrays.

    It is rounded up to one of few sizes, so that a changing scene, or another object,
    causes few compilations.

    Args:
        gaussians: the cloud.
        cameras: one camera or a stack of them with one leading axis.
        slack: factor for poses and parameters that will still move.
        minification: as in `render`, one for all cameras or one each.
        in_octave: sizes from one power of two to the next.
    """
    # Also where a traced function renders arrays that it closes over.
    with jax.ensure_compile_time_eval():
        gaussians, cameras = precision.single((gaussians, cameras))
        if cameras.fx.ndim == 0:
            cameras = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], cameras)
        if minification is not None:
            minification = jnp.asarray(minification, jnp.float32)
            minification = jnp.broadcast_to(minification, cameras.fx.shape)
        most = _most_needed(gaussians, cameras, minification)
    return sizes.at_least(int(slack * max(most, 1024)), in_octave)


def _most_needed(
    gaussians: Gaussians, cameras: Camera, minification: Array | None
) -> int:
    """Returns the most pairs that one of several cameras takes.

    Several are counted in groups of one size, of which the last is filled up: one
    program then serves any number of them.
    """
    count = len(cameras.fx)
    together = 1 if count == 1 else _PLANNED_TOGETHER
    numbers = np.minimum(np.arange(-(-count // together) * together), count - 1)

    def group(rows: np.ndarray) -> tuple[Camera, Array | None]:
        # Picked by NumPy: JAX would compile that for every number of cameras.
        def pick(leaf: Array) -> Array:
            return jnp.asarray(np.asarray(leaf)[rows])

        return jax.tree.map(pick, (cameras, minification))

    groups = [group(rows) for rows in numbers.reshape(-1, together)]
    return max(int(jnp.max(_needed(gaussians, *views))) for views in groups)


def capacity_for(
    gaussians: Gaussians,
    camera: Camera,
    backend: Backend,
    minification: float | Array | None,
) -> int:
    """Returns the list capacity of one image for which none is given."""
    leaves = jax.tree.leaves((gaussians, camera, minification))
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
    if traced or backend == "reference":
        n = gaussians.means.shape[0]
        return default_capacity(n, camera.width, camera.height)
    return plan(gaussians, camera, slack=1.0, minification=minification)


def bin_for(
    splats: Splats,
    camera: Camera,
    capacity: int,
    backend: Backend,
    padding: float = 0.0,
) -> TileLists:
    """Returns the tile lists of an image, of which nothing is differentiated."""
    frozen = jax.lax.stop_gradient(splats)
    search = None
    if backend in KERNELS:
        search = Search(backend == "pallas_interpret")
    size = camera.width, camera.height
    return binning.bin_splats(frozen, *size, capacity, padding, search)


def render_splats(
    splats: Splats,
    camera: Camera,
    background: Float[Array, "3"],
    backend: Backend,
    capacity: int,
) -> Rendered:
    """Returns the image of projected splats; `render` is this after projection.

    For those who need the splats too, such as density control, which watches the
    gradient of their centres.
    """
    width, height = camera.width, camera.height
    needed = jnp.int32(0)
    if backend == "reference" or splats.depths.shape[0] == 0:
        image = reference.composite(splats, width, height)
    elif backend == "numba":
        image, needed = numba.composite(splats, width, height, capacity)
    else:
        lists = bin_for(splats, camera, capacity, backend)
        needed = lists.needed
        if backend == "xla":
            image = xla.composite(splats, lists, width, height)
        else:
            interpret = backend == "pallas_interpret"
            image = compositing.composite(splats, lists, width, height, interpret)
    coverage = image[4]
    color = jnp.moveaxis(image[:3], 0, -1) + (1 - coverage)[..., None] * background
    return Rendered(color, coverage, image[3], needed)


@functools.partial(jax.jit, static_argnames=("backend", "capacity", "whole"))
def _render(
    gaussians: Gaussians,
    camera: Camera,
    background: Float[Array, "3"],
    backend: Backend,
    capacity: int,
    minification: float | Array | None,
    whole: bool,
) -> Rendered:
    splats = projection.project(gaussians, camera, minification)
    drawn = render_splats(splats, camera, background, backend, capacity)
    if not whole:
        return drawn
    image = drawn.color, drawn.alpha, drawn.depth
    color, alpha, depth = unless_incomplete(image, drawn.needed, capacity)
    return Rendered(color, alpha, depth, drawn.needed)


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: Float[Array, "3"] | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
    minification: float | Float[Array, ""] | None = None,
) -> Rendered:
    """Returns the view of a cloud of Gaussians from one camera.

    Pure; works under `jit`, `grad` (every Gaussian parameter and the camera) and `vmap`
    (over cameras, the cloud is not copied). Kerbl et al. 2023, with their constants.

    Args:
        gaussians: `n` rows, of which the live ones take part.
        camera: one camera; its static width and height are the image size.
        background: RGB behind the scene, black when None.
        backend: "reference" (every Gaussian at every pixel), "xla" (portable),
            "numba" (compiled for the CPU at hand), "pallas" (GPU kernels),
            "pallas_interpret" (the same run by XLA, slow, for tests), or None for the
            best that runs here.
        capacity: slots for (tile, splat) pairs; the farthest splats that find none are
            left out, as `Rendered.needed` tells. When None, it is planned from concrete
            arrays. Traced arrays have no numbers yet: then it is `default_capacity`,
            and an image that takes more is NaN throughout, with its gradients, rather
            than incomplete. Plan it before (`capacity=plan(gaussians, cameras)`) for
            such images, and for less memory.
        minification: how many times smaller the object is in the image than in those
            that the cloud was fitted to; see `projection.project`. Above 1 the image is
            antialiased.

    Raises:
        ConfigError: the named backend is unknown or cannot run here, or
            `minification` is a number and not positive.
    """
    if isinstance(minification, float | int) and not minification > 0:
        raise ConfigError(f"minification {minification}: expected a number above 0")
    chosen = backends.resolve_backend(backend)
    whole = capacity is None
    if capacity is None:
        capacity = capacity_for(gaussians, camera, chosen, minification)
    behind = jnp.zeros(3) if background is None else jnp.asarray(background)
    seen = precision.single((gaussians, camera, behind))
    minification = precision.single(minification)
    return _render(*seen, chosen, capacity, minification, whole)
