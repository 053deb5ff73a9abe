"""PTAD's coarse pose: the candidate view whose mask is nearest by chamfer distance."""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core import cameras, precision, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts.silhouettes import Masks, chamfer, prepare
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin

_OBJECT = 0.5  # of alpha, or of a photograph's matte


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Candidates:
    """The views' masks, rendered from the twin.

    Attributes:
        share: as in `silhouettes.Masks`, [v, p].
        away: see there, [v, p].
        poses: `camera_from_world`, [v, 4, 4].
    """

    share: Float[Array, "v p"]
    away: Float[Array, "v p"]
    poses: Float[Array, "v 4 4"]


@dataclasses.dataclass(frozen=True)
class CandidateStarts:
    """The finder of section 3.2: Eq. 3 over the views that `prepare` is given.

    Photographs are masks, white before black. Costs are chamfer distances in pixels of
    the compared size.

    Attributes:
        k: how many of the views are gone on with; the paper takes the best one.
        side: of the compared masks in pixels: Eq. 3 on the paper's 256 pixels takes 16
            times as long, and a view is chosen among twenty.
    """

    k: int = 1
    side: int = 64

    def __post_init__(self) -> None:
        if min(self.k, self.side) < 1:
            raise ConfigError(f"k {self.k}, side {self.side}: expected 1 or more")

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> Candidates:
        """Renders the masks of the views; arguments as in `parts.Starts`."""
        del key
        poses = posed_cameras(views).camera_from_world
        return _prepare(precision.single(twin), poses, self.side)

    def __call__(
        self, twin: Twin, state: Candidates, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        del twin
        k = min(self.k, len(state.poses))
        return _nearest(k, self.side, state, photographs.images)


def _masks(images: Float[Array, "n h w"], side: int) -> Masks:
    small = resampling.area_resize(images[..., None], side, side)[..., 0]
    return prepare(small > _OBJECT)


@functools.partial(jax.jit, static_argnames="side")
def _prepare(twin: Twin, poses: Array, side: int) -> Candidates:
    def one(pose: Array) -> Array:
        camera: Camera = cameras.with_pose(twin.camera, pose)
        return twins.look(twin, camera).alpha

    return Candidates(*_masks(lax.map(one, poses), side), poses)


@functools.partial(jax.jit, static_argnames=("k", "side"))
def _nearest(k: int, side: int, views: Candidates, images: Array) -> CoarsePoses:
    masks = _masks(jnp.max(images, axis=-1), side)
    distances = chamfer(masks, Masks(views.share, views.away))
    shown = jnp.any(masks.share > 0, axis=1, keepdims=True)
    least, best = lax.top_k(-jnp.where(shown, distances, jnp.inf), k)
    return CoarsePoses(views.poses[best], -least)
