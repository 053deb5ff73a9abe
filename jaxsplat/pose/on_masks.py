"""Poses by masks alone: photographs and object become white before black.

PTAD (Zhuo et al., section 3.2) compares the object's mask in a photograph with the
rendered one, since its references have no texture. A solver that looks at colours does
the same with a white object.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, PRNGKeyArray

from jaxsplat.core import precision
from jaxsplat.data.views import View
from jaxsplat.pose.estimate import CoarsePoses, PoseEstimate
from jaxsplat.pose.expected import DIFFERS
from jaxsplat.pose.parts import Refine
from jaxsplat.pose.photographs import Photographs, on_plain
from jaxsplat.pose.starts.candidates import Candidates, CandidateStarts
from jaxsplat.rendering import exposure
from jaxsplat.rendering.exposure import neutral
from jaxsplat.rendering.twin import Twin


@dataclasses.dataclass(frozen=True)
class MaskStarts:
    """PTAD's coarse pose: of the training views those with the nearest masks.

    Before unknown surroundings an object has no mask, and nothing is found. Costs are
    `CandidateStarts`'.

    Attributes:
        k: poses of each photograph; the paper goes on with the best one.
        side: of the compared masks in pixels.
    """

    k: int = 1
    side: int = 64

    def __post_init__(self) -> None:
        self._finder()

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> Candidates:
        """Renders the views' masks; see `parts.Starts`."""
        return self._finder().prepare(white(twin), views, key)

    def __call__(
        self, twin: Twin, state: Candidates, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return self._finder()(white(twin), state, _as_masks(twin, photographs))

    def _finder(self) -> CandidateStarts:
        return CandidateStarts(self.k, self.side)


@dataclasses.dataclass(frozen=True)
class MaskRefine:
    """A solver that is given masks, white before black, and a white object.

    Attributes:
        solver: of the poses.
    """

    solver: Refine

    def prepare(self, twin: Twin, views: Sequence[View], key: PRNGKeyArray) -> Any:
        """Returns the solver's state; see `parts.Refine`."""
        return self.solver.prepare(white(twin), views, key)

    def __call__(
        self,
        twin: Twin,
        state: Any,
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the refined poses; see `parts.Refine`.

        A mask has no exposure, so it is that of the training views.
        """
        twin, photographs = precision.single((twin, photographs))
        masks = _as_masks(twin, photographs)
        found = self.solver(white(twin), state, masks, starts)
        behind = jnp.broadcast_to(twin.background, (len(masks.images), 3))
        return dataclasses.replace(found, exposure=jax.vmap(neutral)(behind))


def white(twin: Twin) -> Twin:
    """Returns the object white before black, so that its colour is its mask."""
    colors = jnp.ones_like(twin.gaussians.colors)
    gaussians = dataclasses.replace(twin.gaussians, colors=colors, sh_rest=None)
    black = jnp.zeros_like(twin.background)
    return dataclasses.replace(twin, gaussians=gaussians, background=black)


def mask(
    image: Float[Array, "h w 3"], background: Float[Array, "3"]
) -> Bool[Array, "h w"]:
    """Returns where a photograph shows something before its plain background.

    Args:
        image: RGB in [0, 1].
        background: that it should have; the border's colour where that is like it.
    """
    behind = exposure.border_color(image, background)
    return jnp.max(jnp.abs(image - behind), axis=-1) > DIFFERS


def _as_masks(twin: Twin, photographs: Photographs) -> Photographs:
    def one(image: Array, plain: Array) -> Array:
        there = (mask(image, twin.background) & plain).astype(image.dtype)
        there = jnp.where(jnp.all(jnp.isfinite(image)), there, jnp.nan)
        return jnp.broadcast_to(there[..., None], image.shape)

    return on_plain(jax.vmap(one)(photographs.images, photographs.plain))
