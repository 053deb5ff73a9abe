"""From the files that a layout lists to the records that the package works on."""

import collections
import dataclasses
import hashlib
import pathlib

import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.data import background, geometry, paths, transforms
from jaxsplat.data.notes import Notes
from jaxsplat.data.view_reader import ViewReader
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.data.world import World


@dataclasses.dataclass(frozen=True)
class Query:
    """One test image.

    Attributes:
        path: the image file.
        defect_type: "good" for a normal one.
        mask: its ground truth, or None where there is no such file.
    """

    path: pathlib.Path
    defect_type: str
    mask: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class Layout:
    """What a data-set layout says about one object, before any image is read.

    Attributes:
        transforms: name of the file with the training poses.
        train_folders: folders below the object's with training images.
        queries: the test images.
    """

    transforms: str
    train_folders: tuple[str, ...]
    queries: tuple[Query, ...]


def assemble(
    root: pathlib.Path, layout: Layout, size: int | None, notes: Notes
) -> ObjectSet:
    """Returns the object with all images read.

    Args:
        root: the object's folder.
        layout: which files it has.
        size: longer side of the images in pixels; None keeps the file's. Images are
            never enlarged.
        notes: what the layout found odd; takes further remarks.

    Raises:
        DataError: a file is not as it should be.
    """
    optics, frames = transforms.read_transforms(
        root, layout.transforms, layout.train_folders, notes
    )
    user_poses = np.stack([frame.camera_from_world for frame in frames])
    geometry.check_cameras(
        user_poses,
        [frame.name for frame in frames],
        str(root / layout.transforms),
        notes,
    )
    world = World.from_views(user_poses)
    _note_unlisted(root, layout.train_folders, frames, notes)
    reader = ViewReader(root, size, notes)
    train = tuple(reader.view(frame.path) for frame in frames)
    test = tuple(_read_query(reader, query, notes) for query in layout.queries)
    camera = reader.camera(optics)
    posed = tuple(
        dataclasses.replace(
            view,
            camera=cameras.with_pose(camera, jnp.asarray(pose, jnp.float32)),
        )
        for view, pose in zip(train, world.camera_to_inside(user_poses), strict=True)
    )
    posed = _drop_opaque_alpha(posed)
    _note_counts(test, notes)
    _note_copies(posed, test, notes)
    behind = background.find_background(posed)
    return ObjectSet(
        name=root.resolve().name,
        root=str(root),
        train=background.without_mixed_alpha(posed, behind, notes),
        test=test,
        intrinsics=camera,
        background=behind.color,
        background_is_plain=behind.is_plain,
        warnings=notes.sentences(),
        train_digest=_train_digest(optics.fields.digest, posed, camera),
        world=world,
    )


def _train_digest(
    transforms_digest: str, train: tuple[View, ...], camera: cameras.Camera
) -> str:
    """Returns the digest of what `ObjectSet.train_digest` names."""
    parts = [
        transforms_digest,
        *(view.digest for view in train),
        f"{camera.width}x{camera.height}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_query(reader: ViewReader, query: Query, notes: Notes) -> View:
    # Queries are handled one by one: what one file is must not change another.
    (view,) = _drop_opaque_alpha((reader.view(query.path),))
    if query.defect_type == GOOD:
        mask = np.zeros(view.image.shape[:2], dtype=bool)
    elif query.mask is None:
        notes.add("a defective view has no mask", view.name)
        mask = None
    else:
        mask = reader.mask(query.mask)
    return dataclasses.replace(view, defect_type=query.defect_type, mask=mask)


def _drop_opaque_alpha(views: tuple[View, ...]) -> tuple[View, ...]:
    """Returns the views without alpha where it says nothing in any of them."""
    if all(view.alpha is None or view.alpha.min() == 1 for view in views):
        return tuple(dataclasses.replace(view, alpha=None) for view in views)
    return views


def _note_unlisted(
    root: pathlib.Path,
    folders: tuple[str, ...],
    frames: tuple[transforms.Frame, ...],
    notes: Notes,
) -> None:
    listed = {frame.name for frame in frames}
    for folder in folders:
        for path in paths.list_images(root / folder):
            name = paths.relative_name(root, path)
            if name not in listed:
                notes.add("a training image has no pose and is left out", name)


def _note_counts(test: tuple[View, ...], notes: Notes) -> None:
    kinds = {view.defect_type == GOOD for view in test}
    if not test:
        notes.add("there are no test images")
    elif True not in kinds:
        notes.add("there are no good test images")
    elif False not in kinds:
        notes.add("there are no defective test images")


def _note_copies(train: tuple[View, ...], test: tuple[View, ...], notes: Notes) -> None:
    """Notes test images that are also training images."""
    by_pixels = collections.defaultdict(list)
    for view in train:
        by_pixels[hash(view.image[::7, ::7].tobytes())].append(view)
    for view in test:
        for other in by_pixels.get(hash(view.image[::7, ::7].tobytes()), ()):
            if np.array_equal(view.image, other.image):
                notes.add(f"the same image as {other.name}", view.name)
