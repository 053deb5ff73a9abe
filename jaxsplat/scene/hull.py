"""The visual hull of silhouettes: where a solid object can be (Laurentini 1994)."""

import dataclasses

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxsplat.core.cameras import Camera
from jaxsplat.data.world import looked_at
from jaxsplat.errors import DataError
from jaxsplat.scene import carving
from jaxsplat.scene.carving import Silhouettes
from jaxsplat.scene.pinhole import project_points

_COARSE = 48  # cells along the cube's side before refinement
_REFINE = 3  # each occupied cell is cut into this many along each axis
_HALF_DIAGONAL = 0.87  # of a cell with sides of one
# Shares of the views that may call a point of the object background.
DISSENTS = (0.0, 0.04, 0.1)
# A hull explains as much as another when it covers this much less of the silhouettes;
# those of good ones differ by a tenth of it.
_UNEXPLAINED = 0.002


@dataclasses.dataclass(frozen=True)
class SurfacePoints:
    """Points on a surface.

    Attributes:
        points: positions in the world, [n, 3].
        normals: unit vectors pointing out of the object, [n, 3].
        spacing: typical distance between neighbouring points, scene units.
        disputed: share of the silhouettes that is explained by no hull but one of which
            some views call a part background.
    """

    points: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    spacing: float
    disputed: float = 0.0


def view_center(cameras: Camera) -> Float[np.ndarray, "3"]:
    """Returns the point that a stack of cameras looks at; see `world.looked_at`."""
    return looked_at(np.asarray(cameras.camera_from_world, np.float64))


def _extent(
    silhouettes: Bool[np.ndarray, "v h w"],
    cameras: Camera,
    center: Float[np.ndarray, "3"],
) -> float:
    """Returns the radius about `center` that the silhouettes span at its depth."""
    radius = 0.0
    for view, silhouette in enumerate(silhouettes):
        middle, local = project_points(center[None].astype(np.float32), cameras, view)
        depth = float(local[0, 2])
        rows, columns = np.nonzero(silhouette)
        if depth <= 0 or rows.size == 0:
            continue
        x = (columns + 0.5 - middle[0, 0]) / float(cameras.fx[view])
        y = (rows + 0.5 - middle[0, 1]) / float(cameras.fy[view])
        radius = max(radius, depth * float(np.sqrt((x * x + y * y).max())))
    return radius


def _hull(
    cells: Int[np.ndarray, "n 3"], origin: Float[np.ndarray, "3"], size: float
) -> SurfacePoints:
    """Returns the surface of cells: those with an empty neighbour, and their normals.

    Args:
        cells: occupied ones, by their indices.
        origin: corner of the first cell.
        size: side of a cell.
    """
    side = int(cells.max(initial=0)) + 1
    grid = np.zeros((side + 4,) * 3, np.float32)
    x, y, z = (cells + 2).T
    grid[x, y, z] = 1
    exposed = np.zeros(len(cells), bool)
    for axis in range(3):
        for step in (-1, 1):
            exposed |= np.roll(grid, step, axis)[x, y, z] == 0
    for axis in range(3):  # a wide smoothing, so that normals are not those of cubes
        grid = grid + np.roll(grid, 1, axis) + np.roll(grid, -1, axis)
    normal = np.stack(
        [
            np.roll(grid, 1, axis)[x, y, z] - np.roll(grid, -1, axis)[x, y, z]
            for axis in range(3)
        ],
        axis=1,
    )
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    fallback = np.broadcast_to(np.array([0, 0, 1], np.float32), normal.shape)
    normal = np.where(length > 0, normal / np.maximum(length, 1e-6), fallback)
    points = (origin + (cells + 0.5) * size).astype(np.float32)
    return SurfacePoints(points[exposed], normal[exposed].astype(np.float32), size)


def _explained(surface: SurfacePoints, seen: Silhouettes) -> float:
    """Returns the share of silhouettes that a hull covers, but for their borders.

    A hull of cells is up to half of one smaller all around.
    """
    outlines = carving.outlines(surface.points, surface.spacing, seen.cameras)
    kernel = np.ones((3, 3), np.uint8)
    wide = [cv2.dilate(outline.astype(np.uint8), kernel) > 0 for outline in outlines]
    return carving.explained(seen.masks, wide)


def visual_hull(
    silhouettes: Bool[np.ndarray, "v h w"],
    cameras: Camera,
    detail: int = 1,
    dissents: tuple[float, ...] = DISSENTS,
) -> SurfacePoints:
    """Returns points on the hull's surface, one for each exposed cell of a fine grid.

    Silhouettes of photographs have faults, so what a few of the views call background
    may be object all the same: the least share is taken with which the hull explains
    the silhouettes as well as with the largest. What few views frame is no object.

    Args:
        silhouettes: true on the object, for each of `v` views.
        cameras: the stack of their cameras.
        detail: refinements by three of a 48-cell cube around the object.
        dissents: the shares to choose from, ascending.

    Raises:
        DataError: no cell is inside enough silhouettes (poses and images disagree).
    """
    center = view_center(cameras)
    radius = 1.05 * _extent(silhouettes, cameras, center)
    seen = Silhouettes.of(silhouettes, cameras)
    side, size = _COARSE, 2 * radius / _COARSE
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1)
    cells = cells.reshape(-1, 3)
    for level in range(detail + 1):
        points = (center - radius + (cells + 0.5) * size).astype(np.float32)
        # The last level decides by the cell's centre alone.
        reach = 0.0 if level == detail else _HALF_DIAGONAL * size
        against = carving.least_dissent(points, reach, seen, dissents[-1])
        cells, against = cells[np.isfinite(against)], against[np.isfinite(against)]
        if len(cells) == 0:
            raise DataError(
                "the silhouettes of the training views have no point in common; "
                "expected poses that agree with the images"
            )
        if level < detail:
            children = np.stack(np.meshgrid(*[np.arange(_REFINE)] * 3), axis=-1)
            cells = (cells[:, None] * _REFINE + children.reshape(1, -1, 3)).reshape(
                -1, 3
            )
            side, size = side * _REFINE, size / _REFINE
    # Coarse cells are too large for the holes that faults leave in silhouettes.
    hulls = [_hull(cells[against <= most], center - radius, size) for most in dissents]
    if len(hulls) == 1:
        return hulls[0]
    explained = np.array([_explained(each, seen) for each in hulls])
    chosen = hulls[int(np.argmax(explained >= explained[-1] - _UNEXPLAINED))]
    return dataclasses.replace(chosen, disputed=float(explained[-1] - explained[0]))
