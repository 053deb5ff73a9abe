"""No refinement: the coarse pose as it is, for methods that search for none."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.core import precision
from jaxsplat.data.views import View
from jaxsplat.pose.estimate import Outcome, PoseEstimate
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.visibility import shows_object
from jaxsplat.rendering.exposure import neutral
from jaxsplat.rendering.twin import Twin


@dataclasses.dataclass(frozen=True)
class Unrefined:
    """The solver that solves nothing; exposure and surroundings are not looked for.

    Nothing is rendered, so nothing is known of how well the pose explains the
    photograph: the loss is 0 where the photograph is finite, infinite elsewhere.
    """

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> tuple[()]:
        """Returns nothing; see `parts.Refine`."""
        del twin, views, key
        return ()

    def __call__(
        self,
        twin: Twin,
        state: tuple[()],
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the first start of each photograph; see `parts.Refine`."""
        del state
        twin, photographs, starts = precision.single((twin, photographs, starts))
        images = photographs.images
        finite = jnp.all(jnp.isfinite(images), axis=(1, 2, 3))
        shown = jax.vmap(shows_object, (0, None))(images, twin.background)
        outcome = jnp.where(shown, int(Outcome.UNREFINED), int(Outcome.OUT_OF_VIEW))
        outcome = jnp.where(finite, outcome, int(Outcome.NONFINITE))
        count = (len(images),)
        behind = jnp.broadcast_to(twin.background, (*count, 3))
        return PoseEstimate(
            camera_from_world=starts[:, 0],
            loss=jnp.where(finite, jnp.float32(0), jnp.float32(jnp.inf)),
            steps=jnp.zeros(count, jnp.int32),
            outcome=outcome.astype(jnp.int32),
            covariance=jnp.full((*count, 6, 6), jnp.nan, jnp.float32),
            exposure=jax.vmap(neutral)(behind),
            needed=jnp.zeros(count, jnp.int32),
        )
