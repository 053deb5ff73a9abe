"""LLFF's `poses_bounds.npy` and the photographs beside it.

A row belongs to each photograph in the plain order of the names, in which `10.png`
comes before `2.png`: a 3x5 matrix of pose and lens, row by row, then the nearest and
the farthest depth, which are not used. The pose is `world_from_camera`, whose columns
are the camera's down, right and backward axes and its position; the last column is
image height, width and focal length in pixels.
"""

import dataclasses
import hashlib
import pathlib

import numpy as np
from jaxtyping import Float

from jaxsplat.data import mad, paths, poses
from jaxsplat.data.assembly import Layout
from jaxsplat.data.frames import Frame, training_frames
from jaxsplat.data.lens import MAX_PIXELS, StatedLens
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

POSES = "poses_bounds.npy"
TEST_POSES = "test_poses_bounds.npy"
# The reduced ones that LLFF's script makes stand beside the photographs.
IMAGE_FOLDERS = (
    "images",
    "images_2",
    "images_4",
    "images_8",
    "train/good",
    "train",
)
_COLUMNS = 17
_MAX_BYTES = 64 * 2**20


@dataclasses.dataclass(frozen=True)
class Row:
    """What one row says.

    Attributes:
        camera_from_world: rigid motion with OpenCV axes, [4, 4] float64.
        lens: the intrinsics, with the image size that they belong to.
    """

    camera_from_world: Float[np.ndarray, "4 4"]
    lens: StatedLens


def is_layout(root: pathlib.Path) -> bool:
    """Returns whether a folder holds one object in this layout."""
    return paths.is_file(root / POSES)


def list_files(root: pathlib.Path, notes: Notes) -> Layout:
    """Returns the files of one object; remarks on odd ones go to `notes`.

    Raises:
        DataError: the file is not as it should be, or has not a row for each
            photograph.
    """
    queries = mad.list_queries(root, notes)
    rows = read_rows(root, POSES, notes)
    images = _images(root)
    if len(rows) != len(images):
        raise DataError(
            f"{root / POSES}: found {len(rows)} rows, expected {len(images)}, one for "
            "each PNG or JPEG image in "
            f"{images[0].parent if images else root / IMAGE_FOLDERS[0]}"
        )
    frames = training_frames(
        [
            Frame(
                path, paths.relative_name(root, path), row.camera_from_world, row.lens
            )
            for path, row in zip(images, rows, strict=True)
        ],
        str(root / POSES),
        notes,
    )
    digest = hashlib.sha256((root / POSES).read_bytes()).hexdigest()
    return Layout(frames, IMAGE_FOLDERS, queries, digest, root / POSES)


def _images(root: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Returns the photographs in the order of the rows."""
    for folder in IMAGE_FOLDERS:
        found = paths.list_images(root / folder)
        if found:
            return tuple(sorted(found, key=lambda path: path.name))
    return ()


def read_rows(root: pathlib.Path, name: str, notes: Notes) -> tuple[Row, ...]:
    """Returns the rows of a file of poses and bounds.

    Args:
        root: the object's folder.
        name: of the file in it.
        notes: takes remarks on rotations that had drifted.

    Raises:
        DataError: the file is no array [n, 17] of finite numbers, or a pose or a lens
            in it is none.
    """
    file = root / name
    return tuple(
        _row(f"{file}: row {number}", values, notes)
        for number, values in enumerate(_array(root, name))
    )


def _array(root: pathlib.Path, name: str) -> Float[np.ndarray, "n 17"]:
    file = root / name
    inside = paths.resolve_inside(root, name)
    try:
        if inside.stat().st_size > _MAX_BYTES:
            raise DataError(f"{file}: larger than {_MAX_BYTES // 2**20} MiB")
        # Mapped, so that a header that lies about the length allocates nothing.
        array = np.load(inside, mmap_mode="r", allow_pickle=False)
    except DataError:
        raise
    except Exception as error:
        # Whatever NumPy's reader of headers meets, such as errors of the tokenizer.
        raise DataError(f"{file}: is not a NumPy array: {error}") from error
    shape = getattr(array, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] != _COLUMNS:
        raise DataError(f"{file}: found an array of shape {shape}, expected [n, 17]")
    if not np.issubdtype(array.dtype, np.floating):
        raise DataError(f"{file}: found numbers of {array.dtype}, expected floats")
    values = np.array(array, dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(values[:, :15]).all(axis=1))
    if len(wrong):
        raise DataError(f"{file}: row {wrong[0]}: found numbers that are not finite")
    return values


def _row(place: str, values: Float[np.ndarray, "17"], notes: Notes) -> Row:
    matrix = values[:15].reshape(3, 5)
    down, right, back, position, (height, width, focal) = matrix.T
    pose = poses.rigid_motion(
        np.stack([right, -down, back, position], axis=1), place, notes
    )
    if not (0 < focal < MAX_PIXELS and 1 <= width and 1 <= height):
        raise DataError(
            f"{place}: found height {height:g}, width {width:g}, focal length "
            f"{focal:g}, expected positive numbers of pixels"
        )
    lens = StatedLens(
        f"{place}: ",
        fl_x=float(focal),
        fl_y=float(focal),
        width=float(round(width)),
        height=float(round(height)),
        is_shared=False,
    )
    return Row(poses.opencv_from_blender(pose), lens)
