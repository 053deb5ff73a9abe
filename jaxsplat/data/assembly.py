"""From the files that a layout lists to the records that the package works on."""

import collections
import dataclasses
import hashlib
import pathlib

import numpy as np

from jaxsplat.core import cameras
from jaxsplat.data import background, geometry, masks, paths
from jaxsplat.data.frames import Frame
from jaxsplat.data.notes import Notes
from jaxsplat.data.view_reader import ViewReader
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.data.world import World
from jaxsplat.errors import DataError

# Of the training images, those that may be copies of one.
_MOST_COPIES = 0.5


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
        frames: the training images with their poses and lenses.
        train_folders: folders below the object's that may hold training images.
        queries: the test images.
        digest: SHA-256, in hexadecimal, of the files of poses and lenses.
        poses: the file that the poses come from.
    """

    frames: tuple[Frame, ...]
    train_folders: tuple[str, ...]
    queries: tuple[Query, ...]
    digest: str
    poses: pathlib.Path


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
    user_poses = np.stack([frame.camera_from_world for frame in layout.frames])
    names = [frame.name for frame in layout.frames]
    geometry.check_cameras(user_poses, names, str(layout.poses), notes)
    world = World.from_views(user_poses)
    frames = [
        dataclasses.replace(frame, camera_from_world=pose)
        for frame, pose in zip(
            layout.frames, world.camera_to_inside(user_poses), strict=True
        )
    ]
    _note_unlisted(root, layout, notes)
    found = masks.find_masks(root, layout.frames, layout.train_folders, notes)
    reader = ViewReader(root, size, notes)
    train = tuple(
        reader.training_view(frame, found.get(frame.name)) for frame in frames
    )
    reader.note_lenses()
    masks.note_odd_masks(train, notes)
    test = tuple(_read_query(root, reader, query, notes) for query in layout.queries)
    train = _drop_opaque_alpha(train)
    _note_counts(test, notes)
    _check_copies(root, train, notes)
    _note_copies(train, test, notes)
    behind = background.find_background(train)
    camera = reader.camera()
    return ObjectSet(
        name=root.resolve().name,
        root=str(root),
        train=background.without_mixed_alpha(train, behind, notes),
        test=test,
        intrinsics=camera,
        background=behind.color,
        background_is_plain=behind.is_plain,
        warnings=notes.sentences(),
        train_digest=_train_digest(layout.digest, train, reader.mask_digests, camera),
        lens=reader.lens().scaled(camera.width, camera.height),
        world=world,
    )


def _train_digest(
    layout_digest: str,
    train: tuple[View, ...],
    mask_digests: list[str],
    camera: cameras.Camera,
) -> str:
    """Returns the digest of what `ObjectSet.train_digest` names."""
    parts = [
        layout_digest,
        *(view.digest for view in train),
        *mask_digests,
        f"{camera.width}x{camera.height}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read_query(
    root: pathlib.Path, reader: ViewReader, query: Query, notes: Notes
) -> View:
    is_good = query.defect_type == GOOD
    foreground = masks.find_query_mask(root, query.path)
    view = reader.query(query.path, None if is_good else query.mask, foreground)
    # Queries are handled one by one: what one file is must not change another.
    (view,) = _drop_opaque_alpha((view,))
    if is_good:
        view = dataclasses.replace(view, mask=np.zeros(view.image.shape[:2], bool))
    elif query.mask is None:
        notes.add("a defective view has no mask", view.name)
    return dataclasses.replace(view, defect_type=query.defect_type)


def _drop_opaque_alpha(views: tuple[View, ...]) -> tuple[View, ...]:
    """Returns the views without alpha where it says nothing in any of them."""
    if all(view.alpha is None or view.alpha.min() == 1 for view in views):
        return tuple(dataclasses.replace(view, alpha=None) for view in views)
    return views


def _note_unlisted(root: pathlib.Path, layout: Layout, notes: Notes) -> None:
    """Notes images that stand among those of the frames and have no pose."""
    listed = {frame.name for frame in layout.frames}
    read = {frame.path for frame in layout.frames}
    used = {str(pathlib.PurePosixPath(name).parent) for name in listed}
    for folder in sorted(used):
        paths.note_other_images(root / folder, notes, read)
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


def _check_copies(root: pathlib.Path, train: tuple[View, ...], notes: Notes) -> None:
    """Notes training images that are copies, and refuses them where most are of one.

    Those of one colour throughout show nothing, and are alike without being copies.
    """
    copies: dict[str, list[View]] = {}
    first: dict[int, View] = {}
    for view in train:
        other = first.setdefault(_sparse(view), view)
        if np.ptp(view.image) and np.array_equal(view.image, other.image):
            copies.setdefault(other.name, []).append(view)
    for name, views in copies.items():
        if len(views) > max(_MOST_COPIES * len(train), 2):
            raise DataError(
                f"{root}: found {len(views)} of {len(train)} training images that are "
                f"all the same as {name}, expected a photograph for each pose"
            )
        for view in views[1:]:
            notes.add(f"a training image is the same as {name}", view.name)


def _note_copies(train: tuple[View, ...], test: tuple[View, ...], notes: Notes) -> None:
    """Notes test images that are also training images.

    Those of one colour throughout show nothing, and are alike without being copies.
    """
    by_pixels = collections.defaultdict(list)
    for view in train:
        by_pixels[_sparse(view)].append(view)
    for view in test:
        alike = by_pixels.get(_sparse(view), ()) if np.ptp(view.image) else ()
        for other in alike:
            if np.array_equal(view.image, other.image):
                copy = f"{view.name} ({other.name})"
                notes.add("a test image is the same as a training image", copy)
                break


def _sparse(view: View) -> int:
    return hash(view.image[::7, ::7].tobytes())
