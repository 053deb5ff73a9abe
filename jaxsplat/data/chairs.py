"""The folder of BrokenChairs-180K (Bhunia et al. 2024, Looking3D).

- `images/<any>/render_<shape>_<...>_normal.png`: photographs; another last word than
  `normal` is an anomaly.
- `annotations/<any>/info_<...>.json` of anomalies: `2d_bbox`, and here and there
  `anomaly_type`; beside it `mask_diff_<...>.png`, or `mask_new_` and `mask_old_`.
- `shapes/shape_<shape>/mv_images/<shape>_<radius>_<azimuth>_<elevation>.{png,json}`:
  untextured views with `K` and `RT`, and the shape's mesh.
- `split.json`: names of shapes by split.

The numbers in the photographs' names and `camera_parameters` are poses, which no
method may know: nothing here reads them, nor the pickled `.npy` files of the real set.
The real set has no meshes; they are put where `MESHES` says.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data import json_reading, paths, poses
from jaxsplat.data.json_reading import Fields
from jaxsplat.errors import DataError

MESHES = ("mesh.ply", "mesh.obj", "model.obj")
SPLITS = ("train", "val", "test")
Split = Literal["train", "val", "test"]
# Boxes are given in pixels of this size, whatever the size of the file.
BOX_SIDE = 512
REFERENCE_SIDE = 256
_IMAGE = re.compile(r"render_([^_]+)_.*_([^_]+)")
# Azimuth 360 repeats azimuth 0.
_REPEATED = re.compile(r".*_360_[^_]+")
_MASKS = ("diff", "new", "old")
UNKNOWN = "unknown"  # type of an anomaly that the files do not tell
NORMAL = "normal"


@dataclasses.dataclass(frozen=True)
class Reference:
    """An untextured view of a shape.

    Attributes:
        image: its file.
        camera: in OpenCV axes.
    """

    image: pathlib.Path
    camera: Camera


@dataclasses.dataclass(frozen=True)
class Shape:
    """A good shape.

    Attributes:
        name: as in the files' names.
        mesh: its file, or None where there is none.
        references: untextured views, by azimuth.
    """

    name: str
    mesh: pathlib.Path | None
    references: tuple[Reference, ...]


@dataclasses.dataclass(frozen=True)
class Query:
    """A photograph of a shape.

    Attributes:
        image: its file.
        shape: name of the shape that it should show.
        kind: `NORMAL`, the anomaly's type, or `UNKNOWN`.
        masks: files whose union is where the anomaly is; none of normal ones.
        box: left, top, right, bottom of the anomaly as shares of the image's sides, or
            None.
    """

    image: pathlib.Path
    shape: str
    kind: str
    masks: tuple[pathlib.Path, ...]
    box: tuple[float, float, float, float] | None

    @property
    def is_anomalous(self) -> bool:
        """Whether the photograph shows an anomaly."""
        return self.kind != NORMAL


@dataclasses.dataclass(frozen=True)
class Chairs:
    """What a folder holds.

    Attributes:
        shapes: by name.
        queries: all photographs, by shape and name.
        splits: names of shapes of each split that the folder has; empty without
            `split.json`.
    """

    shapes: dict[str, Shape]
    queries: tuple[Query, ...]
    splits: dict[str, tuple[str, ...]]

    def of_split(self, split: Split) -> tuple[Query, ...]:
        """Returns the photographs of a split.

        Raises:
            DataError: the folder does not have that split.
        """
        if split not in self.splits:
            raise DataError(
                f"split.json: found {sorted(self.splits)}, expected {split} too"
            )
        return tuple(q for q in self.queries if q.shape in self.splits[split])


def read_chairs(root: pathlib.Path) -> Chairs:
    """Returns the files of a folder, checked, photographs and masks unread.

    Raises:
        DataError: there are no photographs, a photograph's shape is not there, or a
            JSON file is not as it should be.
    """
    root = paths.check_folder(root)
    queries = tuple(_queries(root))
    if not queries:
        raise DataError(f"{root}/images: found no render_*.png, expected photographs")
    names = sorted({query.shape for query in queries})
    shapes = {name: _shape(root, name) for name in names}
    return Chairs(shapes, queries, _splits(root))


def _queries(root: pathlib.Path) -> Sequence[Query]:
    folders = [root / "images", *paths.list_folders(root / "images")]
    images = [path for folder in folders for path in paths.list_images(folder)]
    notes = {
        path.stem.removeprefix("info_"): path
        for folder in [root / "annotations", *paths.list_folders(root / "annotations")]
        if folder.is_dir()
        for path in (folder / name for name in paths.list_names(folder))
        if path.suffix == ".json"
    }
    found = []
    for image in images:
        parts = _IMAGE.fullmatch(image.stem)
        if parts is None:
            raise DataError(
                f"{image}: found this name, expected render_<shape>_..._<normal|...>"
            )
        shape, last = parts.groups()
        note = notes.get(image.stem.removeprefix("render_"))
        if last == NORMAL:
            found.append(Query(image, shape, NORMAL, (), None))
        else:
            found.append(_anomaly(image, shape, note))
    return found


def _anomaly(image: pathlib.Path, shape: str, note: pathlib.Path | None) -> Query:
    if note is None:
        return Query(image, shape, UNKNOWN, (), None)
    fields = json_reading.read_json(note)
    kind = fields.text("anomaly_type") if "anomaly_type" in fields else UNKNOWN
    name = image.stem.removeprefix("render_")
    at = {word: note.parent / f"mask_{word}_{name}.png" for word in _MASKS}
    masks = [at["diff"]] if paths.is_file(at["diff"]) else [at["new"], at["old"]]
    there = tuple(mask for mask in masks if paths.is_file(mask))
    return Query(image, shape, kind, there, _box(fields))


def _box(fields: Fields) -> tuple[float, float, float, float] | None:
    if "2d_bbox" not in fields:
        return None
    found = fields.members["2d_bbox"]
    numbers = isinstance(found, list) and len(found) == 4
    if not numbers or any(type(number) not in (int, float) for number in found):
        raise fields.error("2d_bbox", str(found)[:60], "[x, y, width, height]")
    left, top, width, height = (min(max(n / BOX_SIDE, 0.0), 1.0) for n in found)
    return left, top, min(left + width, 1.0), min(top + height, 1.0)


def _shape(root: pathlib.Path, name: str) -> Shape:
    folder = root / "shapes" / f"shape_{name}"
    views = [
        path
        for path in paths.list_images(folder / "mv_images")
        if not _REPEATED.fullmatch(path.stem)
    ]
    if not views:
        raise DataError(f"{folder}/mv_images: found no views, expected PNG files")
    meshes = [folder / mesh for mesh in MESHES if paths.is_file(folder / mesh)]
    references = tuple(_reference(view) for view in views)
    return Shape(name, meshes[0] if meshes else None, references)


def _reference(view: pathlib.Path) -> Reference:
    fields = json_reading.read_json(view.with_suffix(".json"))
    lens = _sized(fields, "K", (3, 3))
    # OpenGL's axes look along -z with y up.
    pose = np.diag([1.0, -1.0, -1.0, 1.0]) @ _sized(fields, "RT", (4, 4))
    pose = poses.orthonormal(pose).astype(np.float32)
    if not min(lens[0, 0], lens[1, 1]) > 0:
        found = f"focal lengths {lens[0, 0]}, {lens[1, 1]}"
        raise fields.error("K", found, "numbers above 0")
    fx, fy = jnp.float32(lens[0, 0]), jnp.float32(lens[1, 1])
    cx, cy = jnp.float32(lens[0, 2]), jnp.float32(lens[1, 2])
    side = REFERENCE_SIDE
    return Reference(view, Camera(jnp.asarray(pose), fx, fy, cx, cy, side, side))


def _sized(
    fields: Fields, key: str, size: tuple[int, int]
) -> Float[np.ndarray, "rows columns"]:
    matrix = fields.matrix(key)
    if matrix.shape != size:
        shape = "x".join(map(str, matrix.shape))
        raise fields.error(key, f"a {shape} matrix", f"{size[0]}x{size[1]}")
    return matrix


def _splits(root: pathlib.Path) -> dict[str, tuple[str, ...]]:
    if not paths.is_file(root / "split.json"):
        return {}
    fields = json_reading.read_json(root / "split.json")
    splits = {}
    for split in SPLITS:
        if split not in fields:
            continue
        names = fields.members[split]
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise fields.error(split, str(names)[:60], "a list of shapes' names")
        splits[split] = tuple(names)
    return splits
