"""Image sizes of a pose search, from a thumbnail to the whole photograph."""

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera

# Longer side of the smallest images: there a turn of ten degrees moves an object that
# fills them by the few pixels that gradients reach.
_LEAST_SIDE = 50


def shrinks(width: int, height: int) -> tuple[int, ...]:
    """Returns how many times smaller each size is, the smallest image first.

    They are powers of two; the last is 1.
    """
    powers = [1]
    while max(width, height) >= 2 * _LEAST_SIDE * powers[0]:
        powers.insert(0, 2 * powers[0])
    return tuple(powers)


def coarsest(width: int, height: int) -> int:
    """Returns how many times smaller the smallest size is."""
    return shrinks(width, height)[0]


def shrunken(camera: Camera, shrink: int) -> Camera:
    """Returns the camera of images so many times smaller, each side 2 or more."""
    width, height = camera.width // shrink, camera.height // shrink
    return cameras.resized(camera, max(width, 2), max(height, 2))
