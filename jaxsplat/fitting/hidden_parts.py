"""Parts of an object that have the colour of the plain background behind it.

No photograph tells them from the background, so silhouettes lack them, and a twin that
keeps to these has holes through which its far side is seen. But they hide what is
behind them: a scene that is fitted to the colours, and hardly to the silhouettes, has
to put something there.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxsplat.core import precision
from jaxsplat.data.views import View, posed_camera
from jaxsplat.fitting.config import FitConfig
from jaxsplat.rendering.twin import Twin, look

# Of the weight of the silhouettes' coverage: so that nothing stands where it hides
# nothing.
_WEIGHT = 0.1
# Pixels that the scene covers by more are the object.
_COVERED = 0.5


def are_sought(config: FitConfig) -> bool:
    """Returns whether a fit keeps to silhouettes, and has stages that can go before."""
    return config.coverage_weight > 0 and len(config.stages) > 1


def by_colors(config: FitConfig) -> FitConfig:
    """Returns the settings of the fit that goes before: all stages but the last."""
    return dataclasses.replace(
        config,
        stages=config.stages[:-1],
        coverage_weight=_WEIGHT * config.coverage_weight,
        keep_to_outlines=False,
        patience=0.0,
    )


def with_hidden_parts(
    twin: Twin, views: Sequence[View], coverage: Float[np.ndarray, "v h w"]
) -> Float[np.ndarray, "v h w"]:
    """Returns the coverage with what the silhouettes lack of the object.

    Args:
        twin: the object.
        views: posed photographs of it.
        coverage: by what differs from the background, in [0, 1].

    Raises:
        DataError: a view has no pose.
    """
    found = []
    for view, shown in zip(views, coverage, strict=True):
        drawn = look(twin, precision.single(posed_camera(view)))
        covered = np.asarray(drawn.alpha) > _COVERED
        found.append(np.where(covered & (shown < _COVERED), np.float32(1), shown))
    return np.stack(found)
