"""The folders of MAD-Sim, of RAD and PIAD's MIP that follow it, and of nerfstudio.

- `train/good/N.png` (MIP: `train/N.png`; nerfstudio, instant-ngp: `images/N.png`),
  posed by `transforms.json`.
- `test/<type>/N.png` where the type `good` (MIP: also `good_1`, `good_2`...) is normal.
- `ground_truth/<type>/N_mask.png` (MIP: `N.png`).

All but the training images may be missing. A file of true test poses may stand beside
them; nothing here opens it.
"""

import pathlib
import re

from jaxsplat.data import masks, paths, transforms
from jaxsplat.data.assembly import Layout, Query
from jaxsplat.data.notes import Notes
from jaxsplat.data.views import GOOD

TRANSFORMS = "transforms.json"
TRAIN_FOLDERS = ("train/good", "train", "images")
_GOOD_FOLDER = re.compile(r"good(_[0-9]+)?", re.IGNORECASE)


def is_layout(root: pathlib.Path) -> bool:
    """Returns whether a folder holds one object in this layout."""
    return paths.is_file(root / TRANSFORMS)


def list_files(root: pathlib.Path, notes: Notes) -> Layout:
    """Returns the files of one object; remarks on odd ones go to `notes`."""
    queries = list_queries(root, notes)
    for folder in paths.list_folders(root / "train"):
        if folder.name not in (GOOD, masks.FOLDER) and paths.list_images(folder):
            notes.add("a folder in train/ beside good/", folder.name)
    frames, digest = transforms.read_transforms(root, TRANSFORMS, TRAIN_FOLDERS, notes)
    return Layout(frames, TRAIN_FOLDERS, queries, digest, root / TRANSFORMS)


def list_queries(root: pathlib.Path, notes: Notes) -> tuple[Query, ...]:
    """Returns the test images in `test/<type>`, none where there is no such folder."""
    paths.note_other_images(root / "test", notes)
    for path in paths.list_images(root / "test"):
        notes.add("an image in test/ is in no type's folder and left out", path.name)
    return tuple(
        query
        for folder in paths.list_folders(root / "test")
        for query in _list_type(root, folder, notes)
    )


def _list_type(
    root: pathlib.Path, folder: pathlib.Path, notes: Notes
) -> tuple[Query, ...]:
    """Returns the test images of one type with their masks."""
    images = paths.list_images(folder)
    if not images:
        notes.add("a folder in test/ holds no PNG or JPEG image", folder.name)
    for place in (folder, root / "ground_truth" / folder.name):
        paths.note_other_images(place, notes)
    masks = {
        path.stem.removesuffix("_mask"): path
        for path in paths.list_images(root / "ground_truth" / folder.name)
    }
    stems = {image.stem for image in images}
    for stem, mask in masks.items():
        if stem not in stems:
            notes.add("a mask belongs to no image", f"{folder.name}/{mask.name}")
    if _GOOD_FOLDER.fullmatch(folder.name):
        if masks:
            notes.add("masks of good images are ignored", folder.name)
        return tuple(Query(image, GOOD) for image in images)
    return tuple(Query(image, folder.name, masks.get(image.stem)) for image in images)
