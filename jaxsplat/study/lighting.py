"""Light on a scene and through a lens, as factors of image values.

Exposure, gains and falloff multiply the values that a file holds, as people measure
them there, and not linear light, in which they would be larger.
"""

import numpy as np
from jaxtyping import Float


def gradient(
    height: int, width: int, strength: float, angle_rad: float
) -> Float[np.ndarray, "h w"]:
    """Returns light that falls off from one side to the other, [h, w].

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        strength: what is lost at the far corner, a share; nothing is at the near one.
        angle_rad: direction in which it gets darker, from right to below.
    """
    rows, columns = _centered(height, width)
    along = columns * np.cos(angle_rad) + rows * np.sin(angle_rad)
    reach = abs(width / 2 * np.cos(angle_rad)) + abs(height / 2 * np.sin(angle_rad))
    return (1 - strength * (0.5 + 0.5 * along / reach)).astype(np.float32)


def vignette(height: int, width: int, loss: float) -> Float[np.ndarray, "h w"]:
    """Returns a lens's falloff with the square of the distance from the middle.

    Args:
        height: of the picture in pixels.
        width: of the picture in pixels.
        loss: what is lost at the corners, a share.
    """
    rows, columns = _centered(height, width)
    corner = (height**2 + width**2) / 4
    return (1 - loss * (rows**2 + columns**2) / corner).astype(np.float32)


def white_balance(warmth: float) -> Float[np.ndarray, "3"]:
    """Returns gains of red, green and blue.

    Args:
        warmth: what red gains and blue loses, a share; below 0 it is the other way.
    """
    return np.array([1 + warmth, 1.0, 1 - warmth], np.float32)


def _centered(
    height: int, width: int
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """Returns rows and columns of pixel centres from the picture's middle."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return rows - height / 2, columns - width / 2
