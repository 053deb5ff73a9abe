"""True poses of the test images: for measuring pose error, never for detection.

Nothing else in the package opens these files.
"""

import os
import pathlib

import numpy as np
from jaxtyping import Float

from jaxsplat.data import llff, mad, nerf_synthetic, paths, transforms
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

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
    if paths.is_file(root / llff.TEST_POSES):
        return _read_rows(root)
    return None


def _read_rows(root: pathlib.Path) -> dict[str, Float[np.ndarray, "4 4"]]:
    """Returns LLFF's poses, a row for each test image: type by type, as loaded."""
    rows = llff.read_rows(root, llff.TEST_POSES, Notes())
    queries = mad.list_queries(root, Notes())
    if len(rows) != len(queries):
        raise DataError(
            f"{root / llff.TEST_POSES}: found {len(rows)} rows, expected "
            f"{len(queries)}, one for each test image"
        )
    return {
        paths.relative_name(root, query.path): row.camera_from_world
        for query, row in zip(queries, rows, strict=True)
    }
