"""Anomaly maps of several photographs put together on the Gaussians of an object."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.painting import of_size, paint

# Pixels of a Gaussian from which photographs tell of it.
_SEEN = 0.5


def fuse(
    twin: Twin, seen: Iterable[tuple[Camera, Float[np.ndarray, "h w"]]]
) -> Float[np.ndarray, " n"]:
    """Returns the mean of maps as each Gaussian was seen in them, NaN where none was.

    Args:
        twin: the object.
        seen: of each photograph the camera at its pose, of the photograph's size, and
            the anomaly by pixel, of any size.
    """
    count = len(twin.gaussians.means)
    total, weight = np.zeros(count), np.zeros(count)
    for camera, anomaly_map in seen:
        values, pixels = _painted(
            twin, of_size(camera, *anomaly_map.shape), jnp.asarray(anomaly_map)
        )
        total += np.asarray(values)
        weight += np.asarray(pixels)
    known = weight >= _SEEN
    return np.where(known, total / np.where(known, weight, 1.0), np.nan)


@jax.jit
def _painted(
    twin: Twin, camera: Camera, anomaly_map: Float[Array, "h w"]
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    size = camera.height, camera.width
    values, weight = paint(
        twin, camera, jax.image.resize(anomaly_map, size, "linear")[None]
    )
    return values[:, 0], weight
