"""Points in the pixels of one view, in NumPy."""

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxsplat.core.cameras import Camera


def project_points(
    points: Float[np.ndarray, "n 3"], cameras: Camera, view: int
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 3"]]:
    """Returns where points fall in a view, and their coordinates in camera axes.

    Args:
        points: positions in the world.
        cameras: a stack of cameras.
        view: which of them.

    Returns:
        Pixels (u, v), which mean something where the depth z is positive, and (x, y, z)
        in the camera's axes.
    """
    # Rows of NumPy's arrays: JAX starts a program for each of its own.
    pose = np.asarray(cameras.camera_from_world)[view].astype(np.float32)
    fx, fy, cx, cy = (
        float(np.asarray(each)[view])
        for each in (cameras.fx, cameras.fy, cameras.cx, cameras.cy)
    )
    # Written out: BLAS's threads wait for one another over so thin a product, and NumPy
    # takes long over axes of three.
    x, y, z = points.T
    x, y, z = (row[0] * x + row[1] * y + row[2] * z + row[3] for row in pose[:3])
    depth = np.maximum(z, 1e-6)
    u, v = fx * x / depth + cx, fy * y / depth + cy
    # A coordinate's numbers lie side by side, as they are worked on.
    return np.stack([u, v]).T, np.stack([x, y, z]).T


def focal_length(cameras: Camera, view: int) -> float:
    """Returns the longer of a view's focal lengths, in pixels."""
    return max(float(np.asarray(each)[view]) for each in (cameras.fx, cameras.fy))


def in_image(
    pixels: Float[np.ndarray, "n 2"],
    depths: Float[np.ndarray, " n"],
    width: int,
    height: int,
) -> tuple[Bool[np.ndarray, " n"], Int[np.ndarray, " m"], Int[np.ndarray, " m"]]:
    """Returns which points an image shows, and the rows and columns of these.

    Args:
        pixels: where points fall, (u, v).
        depths: of the points in front of the camera.
        width: of the image in pixels.
        height: likewise.
    """
    columns, rows = np.floor(pixels).astype(int).T
    seen = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    seen &= depths > 0
    return seen, rows[seen], columns[seen]
