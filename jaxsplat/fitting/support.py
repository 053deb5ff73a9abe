"""Which Gaussians the photographs speak for.

What no photograph's frame and silhouette supports must not exist: where the frames cut
an object off, nothing else would take floaters away beside it.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool

from jaxsplat.core.cameras import Camera
from jaxsplat.fitting.state import FitState
from jaxsplat.scene import carving
from jaxsplat.scene.carving import Silhouettes

# Share of the views that frame a Gaussian which may call it background.
_DISSENT = 0.1
# How far from a silhouette, as a share of the cameras' distance, is still on it.
_REACH = 0.01


def only_supported(
    state: FitState,
    silhouettes: Bool[np.ndarray, "v h w"],
    cameras: Camera,
    distance: float,
) -> FitState:
    """Returns the state without the Gaussians that lie beside the object.

    Args:
        state: of the fit.
        silhouettes: of the views.
        cameras: the stack of their cameras.
        distance: of the cameras from the object, in scene units.
    """
    means = np.asarray(state.gaussians.means)
    shown = Silhouettes.of(silhouettes, cameras)
    kept = carving.inside(means, _REACH * distance, shown, _DISSENT)
    live = state.gaussians.live & jnp.asarray(kept)
    return dataclasses.replace(
        state, gaussians=dataclasses.replace(state.gaussians, live=live)
    )
