"""Geometric defects planted in a mesh, to train with beside a data set's own.

A part, a piece of the surface that is connected in itself, is taken away, shifted,
turned, cut off or stretched: BrokenChairs' kinds of anomalies but for swapped parts.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from jaxsplat.scene.meshes import Mesh

Defect = Literal["missing", "position", "rotation", "damaged", "stretched"]
DEFECTS: tuple[Defect, ...] = get_args(Defect)
# Corners nearer than this share of the mesh's size are one.
_WELD = 1e-5
# Shifts and stretches as shares of the part's size, turns in radians: from just visible
# to plain, as BrokenChairs' pictures show them.
_SHIFT = 0.15, 0.6
_TURN = 0.15, 0.7
_STRETCH = 0.55, 0.8
_CUT = 0.25, 0.7


def parts_of(mesh: Mesh) -> Int[np.ndarray, " f"]:
    """Returns the number of the connected part of each face."""
    size = np.ptp(mesh.vertices, axis=0).max()
    grid = np.round(mesh.vertices / (_WELD * size)).astype(np.int64)
    _, welded = np.unique(grid, axis=0, return_inverse=True)
    faces = welded.reshape(-1)[mesh.faces]
    ends = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    links = sparse.coo_matrix((np.ones(faces.size), ends), (faces.max() + 1,) * 2)
    _, labels = sparse.csgraph.connected_components(links, directed=False)
    _, parts = np.unique(labels[faces[:, 0]], return_inverse=True)
    return parts.reshape(-1)


def plant(
    mesh: Mesh,
    parts: Int[np.ndarray, " f"],
    defect: Defect,
    rng: np.random.Generator,
) -> Mesh:
    """Returns the mesh with a defect in one of its parts, drawn by the generator.

    A mesh of one part is never taken away whole: it is cut off instead.

    Args:
        mesh: two parts or more, else the whole is changed.
        parts: from `parts_of`.
        defect: what happens to the part.
        rng: draws part, direction and size.
    """
    mine = parts == rng.integers(parts.max() + 1)
    if defect == "missing" and not mine.all():
        return Mesh(mesh.vertices, mesh.faces[~mine])
    # Corners that the part shares with others become its own.
    owned, faces = np.unique(mesh.faces[mine], return_inverse=True)
    corners = mesh.vertices[owned]
    faces = faces.reshape(-1, 3) + len(mesh.vertices)
    changed = np.concatenate([mesh.faces[~mine], faces])
    moved = _changed(corners, defect, rng)
    return Mesh(np.concatenate([mesh.vertices, moved]), changed)


def _changed(
    corners: Float[np.ndarray, "n 3"], defect: Defect, rng: np.random.Generator
) -> Float[np.ndarray, "n 3"]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    center, size = (low + high) / 2, high - low
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if defect == "position":
        # Along one side of the part, as far as that side is long.
        axis = np.eye(3)[rng.integers(3)]
        far = rng.uniform(*_SHIFT) * np.sort(size)[-2] * rng.choice((-1, 1))
        return corners + far * axis
    if defect == "rotation":
        turn = rng.uniform(*_TURN) * rng.choice((-1, 1))
        end = corners[rng.integers(len(corners))]
        pivot = center if rng.random() < 0.5 else end
        return pivot + (corners - pivot) @ _rotation(direction, turn).T
    longest = np.eye(3)[size.argmax()]
    sign = rng.choice((-1, 1))
    if defect == "stretched":
        axis = np.eye(3)[rng.integers(3)]
        factor = rng.uniform(*_STRETCH) ** rng.choice((-1, 1))
        pivot = center - sign * axis * size / 2
        return pivot + (corners - pivot) * (1 + (factor - 1) * axis)
    # Cut off: what lies beyond a plane across the part is pressed onto it.
    normal = longest * sign + 0.4 * direction
    normal /= np.linalg.norm(normal)
    along = (corners - center) @ normal
    limit = along.max() - rng.uniform(*_CUT) * np.ptp(along)
    return corners - np.maximum(along - limit, 0.0)[:, None] * normal


def _rotation(axis: Float[np.ndarray, "3"], angle: float) -> Float[np.ndarray, "3 3"]:
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
