"""How large images are compared: as far as the twin shows what larger ones show."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data.splits import evenly
from jaxsplat.data.views import View
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores import levels
from jaxsplat.scores.good_views import side_by_side, stacked

# Pixels of the shorter side at which images are compared: what the networks were made
# for, and as many as photographs have, up to what small defects need, where the twin
# shows so much of the finer detail. Views that measure that, at most.
_USUAL_SIDE, _MOST_SIDE = 224, 400
_DETAIL_SHOWN, _DETAIL_VIEWS = 0.5, 8


def side_of(twin: Twin, views: Sequence[View]) -> int:
    """Returns the pixels of the shorter side at which images are compared."""
    shorter = min(twin.camera.height, twin.camera.width)
    if shorter <= _USUAL_SIDE:
        return _USUAL_SIDE
    chosen = evenly(views, _DETAIL_VIEWS)
    shown = float(detail_shown(twin, *stacked(twin, chosen)))
    return min(shorter, _MOST_SIDE) if shown >= _DETAIL_SHOWN else _USUAL_SIDE


@jax.jit
def detail_shown(
    twin: Twin, views: Camera, photographs: Float[Array, "v h w 3"]
) -> Float[Array, ""]:
    """Returns the share of photographs' finer detail that the twin shows.

    It is the coefficient of determination over the object, of what is lost when images
    are reduced to `_USUAL_SIDE`.
    """

    def one(view: tuple[Camera, Array]) -> tuple[Array, Array]:
        seen, shown, alpha = side_by_side(twin, *view)
        both = jnp.stack([seen, shown])
        size = levels.size_of(alpha.shape[0], alpha.shape[1], _USUAL_SIDE)
        small = jax.image.resize(both, (2, *size, 3), "linear")
        detail = both - jax.image.resize(small, both.shape, "linear")
        missed = jnp.sum((detail[0] - detail[1]) ** 2, axis=-1)
        return (
            jnp.sum(alpha * missed),
            jnp.sum(alpha * jnp.sum(detail[0] ** 2, axis=-1)),
        )

    missed, there = (jnp.sum(x) for x in lax.map(one, (views, photographs)))
    return 1 - missed / jnp.maximum(there, 1e-12)
