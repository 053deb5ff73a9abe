"""What a COLMAP model holds of a camera and of a photograph."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from jaxsplat.data import poses
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# Written digits leave less; a quaternion further from unit length is no rotation.
_MAX_DRIFT = 1e-2


@dataclasses.dataclass(frozen=True)
class ModelCamera:
    """A camera.

    Attributes:
        place: where it stands, for messages.
        model: name of the camera model.
        width: of its images in pixels; `height` likewise.
        height: see `width`.
        values: the model's parameters, finite.
    """

    place: str
    model: str
    width: int
    height: int
    values: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class ModelImage:
    """A photograph with a pose.

    Attributes:
        place: where it stands, for messages.
        name: of the image file, relative to the folder that COLMAP was given.
        camera: number of the camera that took it.
        camera_from_world: rigid motion with OpenCV axes, [4, 4] float64.
    """

    place: str
    name: str
    camera: int
    camera_from_world: Float[np.ndarray, "4 4"]


def rigid_motion(place: str, values: tuple[float, ...]) -> Float[np.ndarray, "4 4"]:
    """Returns a rigid motion from a unit quaternion, w first, and a translation.

    Raises:
        DataError: a number is not finite or too large, or the quaternion is not of unit
            length.
    """
    numbers = np.array(values)
    if not np.isfinite(numbers).all():
        raise DataError(f"{place}: found a pose that is not finite")
    length = math.hypot(*values[:4])
    if abs(length - 1) > _MAX_DRIFT:
        raise DataError(
            f"{place}: found a quaternion of length {length:.3g}, expected 1"
        )
    w, x, y, z = numbers[:4] / length
    motion = np.eye(4)
    motion[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    motion[:3, 3] = numbers[4:]
    return poses.rigid_motion(motion, place, Notes())
