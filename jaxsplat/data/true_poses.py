"""True poses of the test images: for measuring pose error, never for detection.

Nothing else in the package opens these files.
"""

import os

import numpy as np
from jaxtyping import Float

from jaxsplat.data import nerf_synthetic, paths, transforms

_FILES = ("test_poses.json", nerf_synthetic.TEST_TRANSFORMS)


def read_test_poses(
    path: str | os.PathLike[str],
) -> dict[str, Float[np.ndarray, "4 4"]] | None:
    """Returns `camera_from_world` of the test views by `View.name`.

    Args:
        path: the object's folder.

    Returns:
        [4, 4] float64 with OpenCV axes, in the user's coordinates, for each test image
        that has a pose, or None where the data set does not give them.

    Raises:
        DataError: the folder or the file is not as it should be.
    """
    root = paths.check_folder(path)
    for name in _FILES:
        if paths.is_file(root / name):
            return transforms.read_poses(root, name, ("test",))
    return None
