"""Mask files that say where photographs show the object.

They stand in `masks/`, below it as the photographs stand below the object's folder or
the folder of training images, or in a folder `masks` beside the photographs' one. A
mask is named as its photograph (`a.png`), or `a.jpg.png` (COLMAP), `a_mask.png`,
`a.mask.png`.
"""

import os
import pathlib
import statistics
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxsplat.data import paths
from jaxsplat.data.frames import Frame
from jaxsplat.data.notes import Notes
from jaxsplat.data.views import View
from jaxsplat.errors import DataError

FOLDER = "masks"
_NAMES = ("{stem}", "{name}", "{stem}_mask", "{stem}.mask")
# The border of most photographs is less object than their middle by no more than this,
# unless the masks mark the surroundings.
_INVERTED = 0.5


def find_masks(
    root: pathlib.Path,
    frames: Sequence[Frame],
    folders: tuple[str, ...],
    notes: Notes,
) -> dict[str, pathlib.Path]:
    """Returns the mask files of the training images by name of the image.

    Args:
        root: the object's folder.
        frames: the training images; a mask that a file names for one comes first.
        folders: folders below `root` that may hold training images; below `masks/`
            their part of a name may be missing.
        notes: takes a remark on images without mask where others have one, and on a
            folder of masks that belong to no image.

    Raises:
        DataError: one file would be the mask of two images.
    """
    parents = (str(pathlib.PurePosixPath(frame.name).parent) for frame in frames)
    folders = tuple(dict.fromkeys((*folders, *parents)))
    found = {}
    for frame in frames:
        mask = frame.mask or _find(root, frame.path, frame.name, folders)
        if mask is not None:
            found[frame.name] = mask
    owners: dict[pathlib.Path, str] = {}
    for name, mask in found.items():
        if owners.setdefault(mask, name) != name:
            raise DataError(
                f"{mask}: is the mask of {owners[mask]} and of {name}, expected one "
                "for each image"
            )
    for frame in frames:
        if found and frame.name not in found:
            notes.add("a training image has no mask", frame.name)
    stem = pathlib.PurePosixPath(frames[0].name).stem
    for folder in paths.list_folders(root):
        if "mask" in folder.name.lower():
            paths.note_other_images(folder, notes, owners)
            # Those of queries stand in masks/test.
            below = [p for p in paths.list_folders(folder) if p.name != "test"]
            if not found and (paths.list_images(folder) or below):
                notes.add(
                    f"{folder.name}/ holds no mask of a training image, such as "
                    f"{FOLDER}/{stem}.png"
                )
    return found


def find_query_mask(root: pathlib.Path, path: pathlib.Path) -> pathlib.Path | None:
    """Returns the mask file of a test image, None where there is none.

    Below `masks/` it stands under the whole name of the image, such as
    `masks/test/good/0.png`: the numbers of test images start anew in every folder.
    """
    return _find(root, path, paths.relative_name(root, path), ())


def _find(
    root: pathlib.Path, path: pathlib.Path, name: str, folders: tuple[str, ...]
) -> pathlib.Path | None:
    inside = pathlib.PurePosixPath(name)
    places = [root / FOLDER / inside.parent]
    for folder in folders:
        if folder and inside.is_relative_to(folder):
            below = inside.relative_to(folder).parent
            places += [root / FOLDER / below, (root / folder).parent / FOLDER / below]
    for place in filter(os.path.isdir, dict.fromkeys(places)):
        for pattern in _NAMES:
            stem = pattern.format(stem=inside.stem, name=inside.name)
            for suffix in paths.WRITTEN_SUFFIXES:
                candidate = place / f"{stem}{suffix}"
                if paths.is_file(candidate):
                    return paths.resolve_inside(
                        root, candidate.relative_to(root).as_posix()
                    )
    return None


def note_odd_masks(views: Sequence[View], notes: Notes) -> None:
    """Notes masks that mark nothing or everything, and masks of the surroundings."""
    excess = []
    for view in views:
        if view.foreground is None:
            continue
        if not view.foreground.any():
            notes.add("the mask of a training image marks nothing", view.name)
        elif view.foreground.all():
            notes.add("the mask of a training image marks all of it", view.name)
        else:
            excess.append(_border_excess(view.foreground))
    if excess and statistics.median(excess) > _INVERTED:
        notes.add(
            "the masks mark the border of most training images and not their middle; "
            "if they are black on the object, invert them"
        )


def _border_excess(foreground: Float[np.ndarray, "h w"]) -> float:
    """Returns how much more of the border than of the middle counts as object."""
    height, width = foreground.shape
    border = np.concatenate(
        [foreground[0], foreground[-1], foreground[:, 0], foreground[:, -1]]
    )
    middle = foreground[
        height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None
    ]
    return float(border.mean() - middle.mean())
