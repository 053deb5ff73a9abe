"""The folders of NeRF-synthetic (Blender) objects.

`transforms_{train,val,test}.json` with `train/r_0.png`... in RGBA. The training views
are used; the validation views are not. The test images become normal queries, listed
from their folder, so that their poses stay unread.
"""

import pathlib
import re

from jaxsplat.data import paths, transforms
from jaxsplat.data.assembly import Layout, Query
from jaxsplat.data.notes import Notes
from jaxsplat.data.views import GOOD

TRANSFORMS = "transforms_train.json"
TEST_TRANSFORMS = "transforms_test.json"
# Ground-truth depth and normals stand among the photographs: r_0_depth_0001.png.
_OTHER_CHANNEL = re.compile(r".*_(depth|normal)(_[0-9]+)?")


def is_layout(root: pathlib.Path) -> bool:
    """Returns whether a folder holds one object in this layout."""
    return paths.is_file(root / TRANSFORMS)


def list_files(root: pathlib.Path, notes: Notes) -> Layout:
    """Returns the files of one object; remarks on odd ones go to `notes`."""
    paths.note_other_images(root / "test", notes)
    queries = tuple(
        Query(path, GOOD)
        for path in paths.list_images(root / "test")
        if not _OTHER_CHANNEL.fullmatch(path.stem)
    )
    folders = ("train",)
    frames, digest = transforms.read_transforms(root, TRANSFORMS, folders, notes)
    return Layout(frames, folders, queries, digest, root / TRANSFORMS)
