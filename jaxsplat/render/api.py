"""The renderer's public face: one function, several backends."""

import dataclasses
import functools
from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.render import binning, projection, reference, xla
from jaxsplat.render.projection import Splats
from jaxsplat.scene.gaussians import Gaussians

Backend = Literal["reference", "xla", "pallas"]
BACKENDS: tuple[Backend, ...] = ("reference", "xla", "pallas")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Rendered:
    """One rendered view.

    Attributes:
        color: RGB over the background, not clamped, [h, w, 3].
        alpha: coverage in [0, 1], [h, w].
        depth: opacity-weighted sum of depths, [h, w]; `depth / alpha` is the expected
            depth in scene units.
        needed: (tile, splat) pairs that complete lists take; more than `capacity` means
            that the farthest splats were dropped. 0 where a backend keeps no lists.
    """

    color: Float[Array, "*b h w 3"]
    alpha: Float[Array, "*b h w"]
    depth: Float[Array, "*b h w"]
    needed: Int[Array, " *b"]


def resolve_backend(backend: Backend | None) -> Backend:
    """Returns the backend that will run.

    Raises:
        ConfigError: the named backend is unknown or cannot run here.
    """
    if backend is None:
        return "xla"
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r}: expected one of {', '.join(BACKENDS)}")
    if backend == "pallas":
        device = jax.devices()[0].device_kind
        raise ConfigError(
            f"backend 'pallas' cannot run on {device}: its kernels are not part of "
            "this release; use 'xla' or leave the backend unset"
        )
    return backend


def default_capacity(n: int, width: int, height: int) -> int:
    """Returns the list capacity taken when none is given and none can be planned.

    Generous for fitted objects, which need 5 to 15 pairs a Gaussian.
    """
    tiles_x, tiles_y = binning.grid(width, height)
    return 16 * n + 4 * tiles_x * tiles_y


@jax.jit
def _needed(gaussians: Gaussians, cameras: Camera) -> Int[Array, " b"]:
    def one(camera: Camera) -> Int[Array, ""]:
        splats = projection.project(gaussians, camera)
        return binning.count_pairs(splats, camera.width, camera.height)

    return jax.lax.map(one, cameras)


def plan(gaussians: Gaussians, cameras: Camera, slack: float = 1.25) -> int:
    """Returns a list capacity that fits every given camera, from concrete arrays.

    Args:
        gaussians: the cloud.
        cameras: one camera or a stack of them with one leading axis.
        slack: factor for poses and parameters that will still move.

    The result is rounded up to one of eight sizes an octave, so that a changing scene
    causes few compilations.
    """
    # Also where a traced function renders arrays that it closes over.
    with jax.ensure_compile_time_eval():
        if cameras.fx.ndim == 0:
            cameras = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], cameras)
        needed = slack * max(int(jnp.max(_needed(gaussians, cameras))), 1024)
    step = 2 ** max(int(needed).bit_length() - 4, 0)
    return -(-int(needed) // step) * step


def render_splats(
    splats: Splats,
    width: int,
    height: int,
    background: Float[Array, "3"],
    backend: Backend,
    capacity: int,
) -> Rendered:
    """Returns the image of projected splats; `render` is this after projection.

    For those who need the splats too, such as density control, which watches the
    gradient of their centres.
    """
    if backend == "reference" or splats.depths.shape[0] == 0:
        image = reference.composite(splats, width, height)
        needed = jnp.int32(0)
    else:
        frozen = jax.lax.stop_gradient(splats)
        lists = binning.bin_splats(frozen, width, height, capacity)
        image = xla.composite(splats, lists, width, height)
        needed = lists.needed
    coverage = image[4]
    color = jnp.moveaxis(image[:3], 0, -1) + (1 - coverage)[..., None] * background
    return Rendered(color, coverage, image[3], needed)


@functools.partial(jax.jit, static_argnames=("backend", "capacity", "minification"))
def _render(
    gaussians: Gaussians,
    camera: Camera,
    background: Float[Array, "3"],
    backend: Backend,
    capacity: int,
    minification: float,
) -> Rendered:
    splats = projection.project(gaussians, camera, minification)
    width, height = camera.width, camera.height
    return render_splats(splats, width, height, background, backend, capacity)


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    background: Float[Array, "3"] | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
    minification: float = 1.0,
) -> Rendered:
    """Returns the view of a cloud of Gaussians from one camera.

    Pure; works under `jit`, `grad` (every Gaussian parameter and the camera) and `vmap`
    (over cameras, the cloud is not copied). Kerbl et al. 2023, with their constants.

    Args:
        gaussians: `n` rows, of which the live ones take part.
        camera: one camera; its static width and height are the image size.
        background: RGB behind the scene, black when None.
        backend: "reference" (every Gaussian at every pixel), "xla" (portable), "pallas"
            (GPU kernels), or None for the best that runs here.
        capacity: slots for (tile, splat) pairs. None plans it when the arrays are
            concrete, else takes `default_capacity`. See `Rendered.needed`.
        minification: how many times smaller the image is than those that the cloud was
            fitted to; see `projection.project`. Above 1 the image is antialiased.

    Raises:
        ConfigError: the named backend is unknown or cannot run here, or
            `minification` is not positive.
    """
    if not minification > 0:
        raise ConfigError(f"minification {minification}: expected a number above 0")
    chosen = resolve_backend(backend)
    if capacity is None:
        leaves = jax.tree.leaves((gaussians, camera))
        traced = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
        n = gaussians.means.shape[0]
        if traced or chosen == "reference":
            capacity = default_capacity(n, camera.width, camera.height)
        else:
            capacity = plan(gaussians, camera, slack=1.0)
    if background is None:
        background = jnp.zeros(3)
    behind = jnp.asarray(background)
    return _render(gaussians, camera, behind, chosen, capacity, minification)
