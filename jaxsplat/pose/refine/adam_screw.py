"""SplatPose's pose refinement for a batch: Adam on a screw axis through the renderer.

Kruse et al. 2024, section 3.2: the cloud is moved by a rigid motion T (equations 4 to
6) until its render from the coarse pose equals the photograph by equation 7. Moving
the camera to `camera_from_world @ T` makes the same image, so the cloud is never copied
here and is one for the whole batch.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat.core.cameras import Camera, at_poses
from jaxsplat.errors import ConfigError
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.pairs import check_together, map_pairs
from jaxsplat.pose.refine import adam_loop, photometric
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians

# Deviation of the seven parameters at the start, as in the published code.
START_DEVIATION = 1e-6
# The lists must still fit when the pose has moved away from the start.
_CAPACITY_SLACK = 1.5


@dataclasses.dataclass(frozen=True)
class AdamScrewConfig:
    """Settings of the solver; the defaults are the paper's and its code's.

    Attributes:
        steps: Adam steps for every query.
        ssim_weight: lambda of equation 7.
        published: take the published code's motion instead of the paper's: the axis is
            not made a unit vector, and its matrix is transposed.
        keep: how many of a query's starts are refined, those with the lowest loss.
        together: how many (query, start) pairs are rendered side by side; the others
            follow one after another. None takes all on a GPU and 8 on a CPU.
    """

    steps: int = 175
    ssim_weight: float = 0.2
    published: bool = False
    keep: int = 1
    together: int | None = None

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ConfigError(f"steps: found {self.steps}, expected 0 or more")
        if not 0 <= self.ssim_weight <= 1:
            raise ConfigError(
                f"ssim_weight: found {self.ssim_weight}, expected a share from 0 to 1"
            )
        if self.keep < 1:
            raise ConfigError(f"keep: found {self.keep}, expected 1 or more")
        check_together(self.together)


def refine_adam_screw(
    gaussians: Gaussians,
    camera: Camera,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    *,
    key: PRNGKeyArray,
    center: Float[Array, "3"] | None = None,
    background: Float[Array, "3"] | None = None,
    config: AdamScrewConfig | None = None,
    backend: Backend | None = None,
    capacity: int | None = None,
    minification: float | Float[Array, ""] | None = None,
) -> PoseEstimate:
    """Returns the refined pose of each photograph, found in one XLA program.

    The seven parameters start at random numbers of deviation 1e-6, as published. There
    they enter only as products (sin(angle) w, angle v), so the start is a saddle and
    some 25 of the 175 steps go to leaving it. Rates are in radians and scene units:
    they suit a scene whose camera distance is a few units, as the paper's 4.

    The numbers drawn are the same for all queries, so that the result for a query does
    not depend on its place in the batch.

    Args:
        gaussians: the good object, n rows.
        camera: intrinsics and image size of the queries; its pose is not looked at.
        queries: photographs, RGB in [0, 1], [b, h, w, 3].
        starts: `camera_from_world` of k coarse poses each, [b, k, 4, 4].
        key: for the parameters' start.
        center: what rotations turn about in the world, the origin when None, [3].
        background: RGB behind the object, white when None, as the paper has it, [3].
        config: settings; the paper's when None.
        backend: of the renderer.
        capacity: of the renderer's lists (`render.plan`). None plans it from the
            starts, which reads one number back from the device before the program runs.
        minification: of the renderer.

    Returns:
        The pose of least loss among all that were tried, the start included; [b].
    """
    if capacity is None:
        views = at_poses(camera, starts.reshape(-1, 4, 4))
        capacity = render_api.plan(gaussians, views, slack=_CAPACITY_SLACK)
    config = AdamScrewConfig() if config is None else config
    scene = photometric.Scene(
        gaussians=gaussians,
        camera=camera,
        background=jnp.ones(3) if background is None else background,
        center=jnp.zeros(3) if center is None else center,
        ssim_weight=config.ssim_weight,
        backend=backend,
        capacity=capacity,
        minification=minification,
    )
    return refine_scene(
        scene,
        queries,
        starts,
        key,
        jnp.int32(config.steps),
        published=config.published,
        keep=config.keep,
        together=config.together,
    )


@functools.partial(jax.jit, static_argnames=("published", "keep", "together"))
def refine_scene(
    scene: photometric.Scene,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    key: PRNGKeyArray,
    steps: Int[Array, ""],
    *,
    published: bool,
    keep: int,
    together: int | None,
) -> PoseEstimate:
    """Returns what `refine_adam_screw` returns; another number of steps or another
    cloud of the same size is the same program.
    """
    parameters = START_DEVIATION * jax.random.normal(key, (7,))
    starts = _lowest(scene, queries, starts, keep, together)

    def refine_one(pair: tuple[Array, Array]) -> PoseEstimate:
        query, start = pair
        return adam_loop.descend(
            scene,
            queries[query],
            start,
            parameters,
            steps=steps,
            published=published,
        )

    found = map_pairs(refine_one, starts, together)
    best = jnp.argmin(found.loss, axis=1)
    return jax.tree.map(lambda x: x[jnp.arange(len(best)), best], found)


def _lowest(
    scene: photometric.Scene,
    queries: Array,
    starts: Array,
    keep: int,
    together: int | None,
) -> Float[Array, "b keep 4 4"]:
    """Returns each query's starts of lowest loss, by one render from each."""
    if keep >= starts.shape[1]:
        return starts

    def loss(pair: tuple[Array, Array]) -> Array:
        query, start = pair
        seen = photometric.look(scene, queries[query], start)
        return jnp.where(jnp.isfinite(seen.loss) & seen.visible, seen.loss, jnp.inf)

    losses = map_pairs(loss, starts, together)
    order = jnp.argsort(losses, axis=1, stable=True)[:, :keep]
    return jnp.take_along_axis(starts, order[:, :, None, None], axis=1)
