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

from jaxsplat.core import precision, se3
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.refine import adam_loop, comparison, photometric
from jaxsplat.pose.refine.photometric import Scene
from jaxsplat.pose.refine.screw_path import ScrewPath
from jaxsplat.rendering.twin import Twin

# Deviation of the seven parameters at the start, as in the published code.
START_DEVIATION = 1e-6


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
        comparison.check(self.steps, self.keep, self.side, self.together)
        if not 0 <= self.ssim_weight <= 1:
            raise ConfigError(
                f"ssim_weight: found {self.ssim_weight}, expected a share from 0 to 1"
            )

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> ScrewState:
        """Draws the start and plans the lists; arguments as in `parts.Starts`."""
        capacity = comparison.plan(twin, views, self.side)
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

        def solve(scene: Scene, images: Array) -> PoseEstimate:
            return refine_scene(
                scene,
                images,
                starts,
                state.parameters,
                jnp.int32(self.steps),
                published=self.published,
                keep=self.keep,
                together=self.together,
            )

        return comparison.refine(
            twin,
            photographs.images,
            solve,
            side=self.side,
            ssim_weight=self.ssim_weight,
            capacity=state.capacity,
            planned=state.planned,
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

    def refine_one(pair: tuple[Array, Array]) -> PoseEstimate:
        query, start = pair
        path = ScrewPath(start, scene.twin.center, published)
        found = adam_loop.descend(scene, queries[query], path, parameters, steps=steps)
        return _rigid(scene, queries[query], found) if published else found

    return comparison.best_of(scene, queries, starts, refine_one, keep, together)


def _rigid(scene: Scene, query: Array, found: PoseEstimate) -> PoseEstimate:
    """Returns the rigid pose next to the published code's, which stretches a little."""
    known = jnp.isfinite(found.loss)
    rigid = se3.orthonormalize(found.camera_from_world)
    loss = photometric.look(scene, query, rigid).loss
    return dataclasses.replace(
        found,
        camera_from_world=jnp.where(known, rigid, found.camera_from_world),
        loss=jnp.where(known, loss, found.loss),
    )
