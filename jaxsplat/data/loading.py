"""Objects and categories by path and name."""

import difflib
import os
import pathlib
from collections.abc import Sequence

from jaxsplat.core.devices import find_devices
from jaxsplat.data import assembly, colmap, llff, mad, nerf_synthetic, paths
from jaxsplat.data.notes import Notes
from jaxsplat.data.views import ObjectSet
from jaxsplat.errors import ConfigError, DataError

# Where a folder has the files of several, the first of them counts.
_LAYOUTS = (mad, nerf_synthetic, colmap, llff)
_POSES_NAMES = (
    f"{mad.TRANSFORMS}, {nerf_synthetic.TRANSFORMS}, COLMAP model (sparse/0) or "
    f"{llff.POSES}"
)
_NEAREST = 10


def sample_dir() -> pathlib.Path:
    """Returns the data folder that comes with the package; it holds 01Penguin."""
    return pathlib.Path(__file__).parent / "sample"


def load_object(path: str | os.PathLike[str], *, size: int | None = None) -> ObjectSet:
    """Returns one object with all its images.

    The layout is told from the files, in this order:

    - `transforms.json`: MAD-Sim, RAD, MIP, nerfstudio, instant-ngp and what exports
      for them (Polycam, Record3D, Metashape). The lens stands at the top or in each
      frame. Poses are taken as they stand: `applied_transform` and `applied_scale` say
      what was already done to them.
    - `transforms_train.json`: NeRF-synthetic (Blender).
    - a COLMAP model, `cameras` and `images` as `.bin` or `.txt` in `sparse/0`,
      `sparse`, the same below `colmap`, or the folder itself, with photographs in
      `images/`.
    - `poses_bounds.npy`: LLFF, with photographs in `images/`.

    With all of them `test/<type>` and `ground_truth/<type>` hold the test images and
    their masks, as in MAD-Sim; without, there are none. Mask files of the object
    (`masks/`, `mask_path`) become `View.foreground`. Photographs of a lens with
    OpenCV's distortion, their alpha and masks are undistorted: the pinhole camera sees
    the largest upright rectangle that the photograph covers. Training views are brought
    to the size of the first; test views keep theirs.

    Args:
        path: the object's folder.
        size: longer side of the images in pixels. Larger images, their alpha, masks
            and cameras are scaled down to it; smaller ones stay. None keeps the file's.

    Raises:
        DataError: the folder does not exist, has no known layout, or a file in it is
            not as it should be.
        ConfigError: `size` is not positive, or JAX finds no device to run on.
    """
    if size is not None and size < 1:
        raise ConfigError(f"size: found {size}, expected a number of pixels above 0")
    root = paths.check_folder(path)
    find_devices()
    for layout in _LAYOUTS:
        if layout.is_layout(root):
            notes = Notes()
            return assembly.assemble(root, layout.list_files(root, notes), size, notes)
    raise DataError(f"{root}: holds no {_POSES_NAMES}")


def _is_object(folder: pathlib.Path) -> bool:
    return any(layout.is_layout(folder) for layout in _LAYOUTS)


def _category_paths(data_dir: str | os.PathLike[str]) -> dict[str, pathlib.Path]:
    root = paths.check_folder(data_dir)
    if _is_object(root):
        return {root.resolve().name: root}
    found = {f.name: f for f in paths.list_folders(root) if _is_object(f)}
    if not found:
        raise DataError(
            f"{root}: neither this folder nor one in it holds {_POSES_NAMES}"
        )
    return found


def list_categories(data_dir: str | os.PathLike[str]) -> tuple[str, ...]:
    """Returns the names of the objects in a data folder.

    Args:
        data_dir: a folder of object folders, or one object's folder.

    Raises:
        DataError: the folder does not exist or holds no object.
    """
    return tuple(_category_paths(data_dir))


def resolve_categories(
    data_dir: str | os.PathLike[str], names: Sequence[str] = ()
) -> tuple[pathlib.Path, ...]:
    """Returns the folders of the named objects, in the order of the names.

    Args:
        data_dir: a folder of object folders, or one object's folder.
        names: what to find there; all objects where it is empty.

    Raises:
        ConfigError: a name is unknown; the message lists the ten nearest.
        DataError: the folder does not exist or holds no object.
    """
    found = _category_paths(data_dir)
    for name in names:
        if name not in found:
            lower = {known.lower(): known for known in found}
            nearest = difflib.get_close_matches(
                name.lower(), lower, n=_NEAREST, cutoff=0.0
            )
            raise ConfigError(
                f"category: found {paths.shown(name)}, expected one in {data_dir}, "
                f"such as {', '.join(lower[match] for match in nearest)}"
            )
    return tuple(found[name] for name in dict.fromkeys(names or found))
