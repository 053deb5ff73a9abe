"""Posed good views beside their renders."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core import precision
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import Twin, look


def stacked(
    twin: Twin, views: Sequence[View]
) -> tuple[Camera, Float[np.ndarray, "v h w 3"]]:
    """Returns posed views as arrays, before the twin's background."""
    behind = np.asarray(twin.background)
    photographs = np.stack([over_background(view, behind) for view in views])
    return precision.single((posed_cameras(views), photographs))


def side_by_side(
    twin: Twin, camera: Camera, photograph: Float[Array, "h w 3"]
) -> tuple[Float[Array, "h w 3"], Float[Array, "h w 3"], Float[Array, "h w"]]:
    """Returns a posed good view in the twin's exposure, its render, and the coverage
    of the object in it.
    """
    drawn = look(twin, camera)
    taken = exposure.estimate_of_view(
        drawn.color, drawn.alpha, photograph, twin.background
    )
    behind = (1 - drawn.alpha)[..., None] * twin.background
    shown = jnp.clip(drawn.color + behind, 0.0, 1.0)
    return taken.undo(photograph), shown, drawn.alpha
