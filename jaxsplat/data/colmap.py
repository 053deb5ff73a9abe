"""COLMAP's models: `cameras` and `images` as `.bin` or `.txt`, and the photographs.

- The model in `sparse/0`, `sparse`, `colmap/sparse/0`, `colmap/sparse`, `colmap` or the
  object's folder.
- The photographs in `images/`, reduced ones in `images_2/`, `images_4/` or `images_8/`,
  or as in MAD-Sim.
- `test/<type>` and `ground_truth/<type>` as in MAD-Sim, where they are.

Photographs that COLMAP did not register are left out, with a remark.
"""

import hashlib
import pathlib

from jaxsplat.data import (
    colmap_binary,
    colmap_cameras,
    colmap_text,
    listed_files,
    llff,
    mad,
    paths,
)
from jaxsplat.data.assembly import Layout
from jaxsplat.data.colmap_records import ModelCamera, ModelImage
from jaxsplat.data.frames import Frame, training_frames
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

IMAGE_FOLDERS = llff.IMAGE_FOLDERS
_MODEL_FOLDERS = (
    *("sparse/0", "sparse", "colmap/sparse/0", "colmap/sparse", "colmap", ""),
)
_READERS = {".bin": colmap_binary, ".txt": colmap_text}
# The image points of a few thousand photographs fit.
_MAX_BYTES = 2**30


def is_layout(root: pathlib.Path) -> bool:
    """Returns whether a folder holds one object with a COLMAP model."""
    return _find_model(root) is not None


def list_files(root: pathlib.Path, notes: Notes) -> Layout:
    """Returns the files of one object; remarks on odd ones go to `notes`.

    Raises:
        DataError: a file of the model is damaged, a camera is none of a pinhole with
            OpenCV's distortion, or a photograph is not there.
    """
    queries = mad.list_queries(root, notes)
    found = _find_model(root)
    assert found is not None
    folder, suffix = found
    if len(paths.list_folders(root / "sparse")) > 1:
        notes.add(f"sparse/ holds several models; {folder} is used")
    files = [root / folder / f"{name}{suffix}" for name in ("cameras", "images")]
    contents = [_content(root, file) for file in files]
    reader = _READERS[suffix]
    cameras = reader.read_cameras(contents[0], str(files[0]))
    images = reader.read_images(contents[1], str(files[1]))
    frames = training_frames(
        [_frame(root, image, cameras, notes) for image in images], str(files[1]), notes
    )
    digest = hashlib.sha256(b"".join(hashlib.sha256(c).digest() for c in contents))
    return Layout(frames, IMAGE_FOLDERS, queries, digest.hexdigest(), files[1])


def _find_model(root: pathlib.Path) -> tuple[str, str] | None:
    """Returns the folder of the model below `root` and the suffix of its files."""
    for folder in _MODEL_FOLDERS:
        for suffix in _READERS:
            if paths.is_file(root / folder / f"cameras{suffix}") and paths.is_file(
                root / folder / f"images{suffix}"
            ):
                return folder, suffix
    return None


def _content(root: pathlib.Path, file: pathlib.Path) -> bytes:
    inside = paths.resolve_inside(root, file.relative_to(root).as_posix())
    try:
        with inside.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise DataError(f"{file}: larger than {_MAX_BYTES // 2**20} MiB")
    return content


def _frame(
    root: pathlib.Path,
    image: ModelImage,
    cameras: dict[int, ModelCamera],
    notes: Notes,
) -> Frame:
    camera = cameras.get(image.camera)
    if camera is None:
        raise DataError(
            f"{image.place}: found camera {image.camera}, expected one of "
            f"{sorted(cameras)[:10]}, which the file of cameras holds"
        )
    found = listed_files.find_listed(
        root, image.name, IMAGE_FOLDERS, image.place, notes
    )
    if found is None:
        raise DataError(
            f"{image.place}: found {paths.shown(image.name)}, but there is no such "
            f"file in {', '.join(IMAGE_FOLDERS)}"
        )
    return Frame(
        found,
        paths.relative_name(root, found),
        image.camera_from_world,
        colmap_cameras.stated_lens(
            camera.place, camera.model, camera.width, camera.height, camera.values
        ),
    )
