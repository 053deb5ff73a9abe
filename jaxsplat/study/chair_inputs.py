"""BrokenChairs' photographs with the references that PTAD compares them with."""

import dataclasses
import pathlib
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import images, mattes
from jaxsplat.data.chairs import REFERENCE_SIDE, Chairs, Query, Reference
from jaxsplat.errors import DataError
from jaxsplat.methods import outline_inputs, outline_poses
from jaxsplat.methods.mmpdn_training import Examples
from jaxsplat.methods.outline_inputs import Inputs
from jaxsplat.methods.outline_poses import Seen
from jaxsplat.methods.ptad import Ptad
from jaxsplat.report import files
from jaxsplat.report.progress import Progress
from jaxsplat.scene import planting
from jaxsplat.scene.meshes import Mesh

# Depths that differ by more scene units are of another surface: the stand-in's own
# masks of differences have the same limit.
_DEPTH_STEP = 0.012
# Planted defects that mark fewer pixels cannot be told from what poses are wrong by.
_LEAST_PIXELS = 60
# So many defects are tried for one that can be seen.
_TRIES = 4


@dataclasses.dataclass(frozen=True)
class Shown:
    """Photographs with all that is compared with them, [n, ...].

    Attributes:
        queries: which they are; of planted defects those that were planted in.
        inputs: of the network.
        labels: whether they are anomalous, [n].
        boxes: of anomalies as shares of the sides, NaN where there is none, [n, 4].
        maps: share of each of the network's cells that is anomalous, [n, m, m].
        depths: that the photographs should have, as pictures, [n, h, w].
        pose_seconds: that finding poses took.
    """

    queries: tuple[Query, ...]
    inputs: Inputs
    labels: Bool[np.ndarray, " n"]
    boxes: Float[np.ndarray, "n 4"]
    maps: Float[np.ndarray, "n m m"]
    depths: Float[np.ndarray, "n h w"]
    pose_seconds: float


class _Photographs(NamedTuple):
    images: Float[np.ndarray, "n h w 3"]
    masks: Float[np.ndarray, "n h w"]


@dataclasses.dataclass(frozen=True)
class Preparing:
    """What turns photographs into a network's inputs.

    Attributes:
        method: composition.
        chairs: the data.
        cache: file of found poses by photograph, of these data and this method: those
            that stand there are not looked for again.
        progress: told shape by shape.
    """

    method: Ptad
    chairs: Chairs
    cache: pathlib.Path
    progress: Progress

    def __call__(
        self, queries: Sequence[Query], planted: int = 0, seed: int = 0
    ) -> tuple[Shown, Shown | None]:
        """Returns photographs with their references, and planted defects if asked for.

        Args:
            queries: one or more.
            planted: defects to plant in the reference of each normal photograph. Shapes
                without one get none.
            seed: of what is planted.

        Raises:
            DataError: a photograph is no square or smaller than the references, or a
                shape has no mesh.
        """
        known = files.read_arrays(self.cache) if self.cache.exists() else {}
        names = sorted({query.shape for query in queries})
        shown, changed = [], []
        for number, name in enumerate(names):
            self.progress.update("shapes", number + 1, len(names))
            own = tuple(query for query in queries if query.shape == name)
            shape = self.chairs.shapes[name]
            mesh = outline_poses.read_shape(shape)
            photographs = _read(self.method, own)
            begin = time.monotonic()
            if any(query.image.name not in known for query in own):
                found = outline_poses.find_poses(
                    self.method.poses, mesh, shape.references, photographs.masks
                )
                poses = found.camera_from_world
                known |= {query.image.name: p for query, p in zip(own, poses)}
                files.write_arrays(self.cache, known)
            spent = time.monotonic() - begin
            work = _Shape(
                self.method,
                mesh,
                shape.references,
                own,
                photographs,
                np.stack([known[query.image.name] for query in own]),
            )
            seen = work.see(mesh)
            shown.append(work.shown(seen, spent))
            rng = np.random.default_rng((seed, number))
            if not all(query.is_anomalous for query in own):
                changed += [work.planted(seen, rng) for _ in range(planted)]
        return joined(shown), joined(changed) if changed else None


@dataclasses.dataclass(frozen=True)
class _Shape:
    """Photographs of one shape, whose poses are known."""

    method: Ptad
    mesh: Mesh
    references: tuple[Reference, ...]
    queries: tuple[Query, ...]
    photographs: _Photographs
    poses: Float[np.ndarray, "n 4 4"]

    def see(self, mesh: Mesh, rows: Sequence[int] | None = None) -> Seen:
        """Returns renders of a mesh from the poses, or from those of some rows."""
        is_solid, settings = self.method.poses.solid, self.method.mesh
        twin = outline_poses.white_twin(mesh, self.references, settings, is_solid)
        poses = self.poses if rows is None else self.poses[list(rows)]
        return outline_poses.see(twin, settings.scale if is_solid else None, poses)

    def inputs(self, photographs: _Photographs, seen: Seen) -> Inputs:
        """Returns what the network is shown."""
        network = self.method.network
        if not self.method.outlines:
            return outline_inputs.plain_inputs(network, photographs.images, seen.depth)
        return outline_inputs.outline_inputs(network, *photographs, *seen)

    def shown(self, seen: Seen, spent: float) -> Shown:
        """Returns the photographs with the renders."""
        cells = self.method.network.cells
        return Shown(
            self.queries,
            self.inputs(self.photographs, seen),
            np.array([query.is_anomalous for query in self.queries]),
            np.array([query.box or (np.nan,) * 4 for query in self.queries]),
            np.stack([_cells(_truth(query), cells) for query in self.queries]),
            np.stack([outline_inputs.shown_depth(depth) for depth in seen.depth]),
            spent,
        )

    def planted(self, seen: Seen, rng: np.random.Generator) -> Shown:
        """Returns normal photographs with references of a shape that has a defect.

        One mesh is changed for all of them: what the photograph then has too much the
        reference lacks. Photographs in which the defect cannot be seen stay normal.
        """
        rows = [n for n, query in enumerate(self.queries) if not query.is_anomalous]
        parts = planting.parts_of(self.mesh)
        good = Seen(seen.coverage[rows], seen.depth[rows])
        for _ in range(_TRIES):
            defect = planting.DEFECTS[rng.integers(len(planting.DEFECTS))]
            changed = self.see(planting.plant(self.mesh, parts, defect, rng), rows)
            marks = _difference(good, changed)
            if np.median(marks.sum(axis=(1, 2))) >= _LEAST_PIXELS:
                break
        labels = marks.sum(axis=(1, 2)) >= _LEAST_PIXELS
        marks &= labels[:, None, None]
        cells = self.method.network.cells
        photographs = _Photographs(*(array[rows] for array in self.photographs))
        return Shown(
            tuple(self.queries[row] for row in rows),
            self.inputs(photographs, changed),
            labels,
            np.stack([_box(mark) for mark in marks]),
            np.stack([_cells(mark, cells) for mark in marks]),
            np.stack([outline_inputs.shown_depth(d) for d in changed.depth]),
            0.0,
        )


def _read(method: Ptad, queries: Sequence[Query]) -> _Photographs:
    side = REFERENCE_SIDE
    read, masks = [], []
    for query in queries:
        image, _ = images.read_image(query.image)
        height, width = image.shape[:2]
        if height != width or height < side:
            raise DataError(
                f"{query.image}: found {width} x {height} pixels, expected a square of "
                f"{side} or more"
            )
        mask = (
            mattes.matte(image)
            if method.poses.solid
            else mattes.threshold_mask(image).astype(np.float32)
        )
        read.append(images.resize_area(image, side, side))
        masks.append(images.resize_area(mask, side, side))
    return _Photographs(np.stack(read), np.stack(masks))


def _truth(query: Query) -> Bool[np.ndarray, "h w"]:
    """Returns the union of a photograph's masks."""
    if not query.masks:
        return np.zeros((REFERENCE_SIDE, REFERENCE_SIDE), bool)
    return np.any([images.read_mask(path) for path in query.masks], axis=0)


def _cells(mask: Bool[np.ndarray, "h w"], cells: int) -> Float[np.ndarray, "m m"]:
    return images.resize_area(mask.astype(np.float32), cells, cells)


def _difference(first: Seen, second: Seen) -> Bool[np.ndarray, "n h w"]:
    """Returns where two shapes look different from the same poses."""
    there = [seen.coverage > 0.5 for seen in (first, second)]
    moved = np.abs(first.depth - second.depth) > _DEPTH_STEP
    return (there[0] != there[1]) | (there[0] & there[1] & moved)


def _box(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "4"]:
    """Returns left, top, right, bottom of a mask as shares of the sides, or NaN."""
    if not mask.any():
        return np.full(4, np.nan)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    ends = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return np.array(ends) / len(mask)


def joined(parts: Sequence[Shown]) -> Shown:
    """Returns photographs of several shapes together."""
    fields = [field.name for field in dataclasses.fields(Inputs)]
    inputs = Inputs(
        *(np.concatenate([getattr(p.inputs, name) for p in parts]) for name in fields)
    )
    return Shown(
        tuple(query for part in parts for query in part.queries),
        inputs,
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.maps for part in parts]),
        np.concatenate([part.depths for part in parts]),
        sum(part.pose_seconds for part in parts),
    )


def examples_of(shown: Shown) -> Examples:
    """Returns photographs as examples, in half precision to save memory."""
    boxed = np.isfinite(shown.boxes).all(axis=1)
    arrays = [getattr(shown.inputs, f.name) for f in dataclasses.fields(Inputs)]
    boxes = np.nan_to_num(shown.boxes)
    arrays += [shown.labels, boxes, boxed, shown.maps]
    return Examples(*(array.astype(np.float16) for array in arrays))
