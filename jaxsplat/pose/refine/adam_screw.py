"""SplatPose's pose refinement for a batch: Adam on a screw axis through the renderer.

Kruse et al. 2024, section 3.2: the cloud is moved by a rigid motion T (equations 4 to
6) until its render from the coarse pose equals the photograph by equation 7. Moving
the camera to `camera_from_world @ T` makes the same image, so the cloud is never copied
here and is one for the whole batch.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat.core import cameras, precision, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.pairs import check_together, map_pairs
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.refine import adam_loop, photometric
from jaxsplat.pose.refine.photometric import Scene
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.twin import Twin

# Deviation of the seven parameters at the start, as in the published code.
START_DEVIATION = 1e-6
# The lists must still fit when the pose has moved away from the start.
_CAPACITY_SLACK = 1.25


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ScrewState:
    """What the solver keeps of an object.

    Attributes:
        parameters: the seven numbers that every search starts at, [7].
        capacity: of the renderer's lists at the size of the comparison, where the
            twin's is `planned` (static).
        planned: see `capacity` (static).
    """

    parameters: Float[Array, "7"]
    capacity: int = dataclasses.field(metadata=dict(static=True))
    planned: int = dataclasses.field(metadata=dict(static=True))


@dataclasses.dataclass(frozen=True)
class AdamScrew:
    """The solver of the paper; the defaults are the paper's and its code's.

    The seven parameters start at random numbers of deviation 1e-6, as published. There
    they enter only as products (sin(angle) w, angle v), so the start is a saddle and
    some 25 of the 175 steps go to leaving it. Rates are in radians and scene units:
    they suit a camera distance of a few units, as the paper's 4 and inside. The
    numbers drawn are the same for all photographs.

    The estimate is the pose of least loss among all that were tried, the start
    included. Neither the exposure nor the surroundings are looked for: the photograph
    must stand before the twin's background.

    Attributes:
        steps: Adam steps for every photograph; another number is the same program.
        ssim_weight: lambda of equation 7.
        published: take the published code's motion instead of the paper's: the axis is
            not made a unit vector, and its matrix is transposed.
        keep: how many of a photograph's starts are refined, those of lowest loss.
        side: longer image side in pixels at which render and photograph are compared;
            the photograph's own when None, as the paper has it.
        together: how many (photograph, start) pairs are rendered side by side; the
            others follow one after another. None takes all on a GPU and 8 on a CPU.
    """

    steps: int = 175
    ssim_weight: float = 0.2
    published: bool = False
    keep: int = 1
    side: int | None = None
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
        if self.side is not None and self.side < 1:
            raise ConfigError(f"side: found {self.side}, expected pixels above 0")
        check_together(self.together)

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> ScrewState:
        """Draws the start and plans the lists; arguments as in `parts.Starts`."""
        posed = posed_cameras(views)
        small = cameras.at_poses(self._small(twin), posed.camera_from_world)
        capacity = render_api.plan(twin.gaussians, small, _CAPACITY_SLACK, in_octave=2)
        parameters = START_DEVIATION * jax.random.normal(key, (7,), jnp.float32)
        return ScrewState(parameters, capacity, twin.capacity)

    def __call__(
        self,
        twin: Twin,
        state: ScrewState,
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the refined poses in one XLA program; see `parts.Refine`."""
        twin, photographs, starts = precision.single((twin, photographs, starts))
        camera = self._small(twin)
        # As much more as the twin's own lists have become since.
        capacity = state.capacity * twin.capacity // state.planned
        scene = Scene(
            dataclasses.replace(twin, camera=camera, capacity=capacity),
            jnp.float32(twin.camera.width / camera.width),
            self.ssim_weight,
        )
        found = refine_scene(
            scene,
            resampling.area_resize(photographs.images, camera.height, camera.width),
            starts,
            state.parameters,
            jnp.int32(self.steps),
            published=self.published,
            keep=self.keep,
            together=self.together,
        )
        needed = jnp.ceil(found.needed.astype(jnp.float32) * (twin.capacity / capacity))
        return dataclasses.replace(found, needed=needed.astype(jnp.int32))

    def _small(self, twin: Twin) -> Camera:
        camera = twin.camera
        longer = max(camera.width, camera.height)
        scale = min(1.0, (self.side or longer) / longer)
        return cameras.resized(
            camera,
            max(round(camera.width * scale), 1),
            max(round(camera.height * scale), 1),
        )


@functools.partial(jax.jit, static_argnames=("published", "keep", "together"))
def refine_scene(
    scene: Scene,
    queries: Float[Array, "b h w 3"],
    starts: Float[Array, "b k 4 4"],
    parameters: Float[Array, "7"],
    steps: Int[Array, ""],
    *,
    published: bool,
    keep: int,
    together: int | None,
) -> PoseEstimate:
    """Returns what `AdamScrew` returns.

    Another number of steps or another cloud of the same size is the same program.
    """
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
    scene: Scene,
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
