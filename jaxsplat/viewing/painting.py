"""Colours of Gaussians: as photographed, by anomaly, by what is expected of them."""

import dataclasses
from typing import Literal, get_args

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.report import figures
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.viewing.exhibit import Exhibit, expected_residual

Choice = Literal["photograph", "anomaly", "expected residual"]
# In multiples of the mean residual: where the fit is so soft the colour is hottest.
_SOFTEST = 4.0


def choices(exhibit: Exhibit) -> tuple[Choice, ...]:
    """Returns the colours that an object can be shown in."""
    known: tuple[Choice, ...] = get_args(Choice)
    return known if expected_residual(exhibit) is not None else known[:-1]


def by_anomaly(
    gaussians: Gaussians,
    values: Float[np.ndarray, " n"],
    threshold: float,
    hottest: float,
) -> Float[np.ndarray, "n 3"]:
    """Returns colours that are hot where values are high, dim and grey elsewhere.

    Args:
        gaussians: the scene.
        values: of each Gaussian, NaN where nothing is known; that is grey.
        threshold: values below it are grey.
        hottest: value of the hottest colour.
    """
    shown = np.where(values >= threshold, values, 0.0)
    return _hot(gaussians, shown, (0.0, hottest))


def by_residual(
    gaussians: Gaussians, values: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Returns colours that are hot where good views differ much from the fit.

    Args:
        gaussians: the scene.
        values: see `exhibit.expected_residual`.
    """
    return _hot(gaussians, values, (0.0, _SOFTEST))


def painted(gaussians: Gaussians, colors: Float[np.ndarray, "n 3"]) -> Gaussians:
    """Returns a scene in other colours, the same from all sides."""
    new = jnp.asarray(colors, jnp.float32)
    return dataclasses.replace(gaussians, colors=new, sh_rest=None)


def _hot(
    gaussians: Gaussians,
    values: Float[np.ndarray, " n"],
    scale: tuple[float, float],
) -> Float[np.ndarray, "n 3"]:
    own = figures.to_uint8(np.asarray(gaussians.colors))
    mixed = figures.on_grey(own[:, None], values[:, None], scale)[:, 0]
    return mixed.astype(np.float32) / 255
