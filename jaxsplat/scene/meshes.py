"""mesh2splat: a mesh's surface as flat Gaussians, without any fit.

As PTAD (section 3.2) takes it from Scolari's mesh2splat: each triangle is projected
onto the axis-aligned plane that it faces most, a grid of square cells is laid over that
plane, and each cell whose centre the triangle covers becomes one Gaussian. The Jacobian
of the way back, from the plane (u, v) to the surface, gives its standard deviations:
with the unit normal n and its largest component n_k, a cell is stretched by 1 / |n_k|
in the direction in which the surface leaves the plane, and not at all across it. Those
are the Jacobian's singular values and vectors, so the Gaussian is exact for any tilt.
"""

import dataclasses
import pathlib
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxsplat.errors import ConfigError, DataError
from jaxsplat.scene.gaussians import Gaussians

# Cells along the mesh's longest side at densities 0 and 1. PTAD names a density of .5
# alone; these are the ends of mesh2splat's own slider.
_CELLS = 16, 1024
# Deviation along the normal as a share of a cell: "a small constant" in the paper. Seen
# edge-on a surface is then no thicker than the renderer's own low-pass.
_THINNESS = 1e-2
_OPACITY_LOGIT = 6.0  # opaque: .998, above what the renderer clamps to
_GREY = 0.5  # a texture-less surface has no colour of its own


@dataclasses.dataclass(frozen=True)
class Mesh2Splat:
    """Settings of the conversion; the defaults are PTAD's.

    Attributes:
        scale: standard deviation in a cell's sides.
        density: of sampling in [0, 1], from 16 to 1024 cells along the longest side.
    """

    scale: float = 0.65
    density: float = 0.5

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ConfigError(f"scale: found {self.scale}, expected a number above 0")
        if not 0 <= self.density <= 1:
            raise ConfigError(f"density: found {self.density}, expected 0 to 1")

    @property
    def cells(self) -> int:
        """Cells along the longest side."""
        least, most = _CELLS
        return round(least + self.density * (most - least))


@dataclasses.dataclass(frozen=True)
class Mesh:
    """A surface of triangles.

    Attributes:
        vertices: in the world, [v, 3].
        faces: rows of three vertices, [f, 3].
    """

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]


def read_mesh(path: pathlib.Path) -> Mesh:
    """Returns the mesh of a PLY or OBJ file, all its parts together.

    Raises:
        ConfigError: trimesh is not installed (`pip install jaxsplat[mesh]`).
        DataError: the file cannot be read, or holds no triangles.
    """
    try:
        import trimesh
    except ImportError:
        raise ConfigError(
            "trimesh: found nothing, expected it installed: pip install jaxsplat[mesh]"
        ) from None
    try:
        mesh: Any = trimesh.load(path, force="mesh", process=False, skip_materials=True)
        vertices = np.asarray(mesh.vertices, np.float64)
        faces = np.asarray(mesh.faces, np.int64)
    except Exception as error:  # of whatever kind the file's fault makes trimesh raise
        raise DataError(f"{path}: not read as a mesh: {error}".split("\n")[0]) from None
    if not len(faces) or not np.isfinite(vertices).all():
        raise DataError(f"{path}: found {len(faces)} faces, expected finite triangles")
    return Mesh(vertices, faces)


def splats_of_mesh(mesh: Mesh, settings: Mesh2Splat) -> Gaussians:
    """Returns the flat Gaussians of a mesh, all live, of one grey.

    Args:
        mesh: one face or more.
        settings: of the conversion.

    Raises:
        DataError: no triangle covers a cell's centre.
    """
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    solid = areas > 0
    corners, normals = corners[solid], normals[solid] / areas[solid, None]
    extent = np.ptp(mesh.vertices[mesh.faces].reshape(-1, 3), axis=0).max()
    cell = extent / settings.cells
    means, owners = [], []
    faced = np.abs(normals).argmax(axis=1)
    for axis in range(3):
        (rows,) = np.nonzero(faced == axis)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        places, of = _covered(corners[rows][:, :, [u, v]], cell)
        plane, n = corners[rows][of, 0], normals[rows][of]
        point = np.empty((len(of), 3))
        point[:, [u, v]] = places
        away = ((places - plane[:, [u, v]]) * n[:, [u, v]]).sum(axis=1)
        point[:, axis] = plane[:, axis] - away / n[:, axis]
        means.append(point)
        owners.append(rows[of])
    owner = np.concatenate(owners)
    if not len(owner):
        raise DataError(f"mesh: found no surface as large as {cell:.3g}, expected some")
    n = normals[owner]
    rotations, stretch = _axes(n)
    ones = np.ones_like(stretch)
    deviations = settings.scale * cell * np.stack([stretch, ones, _THINNESS * ones], 1)
    count = len(owner)
    return Gaussians(
        jnp.asarray(np.concatenate(means), jnp.float32),
        jnp.asarray(np.log(deviations), jnp.float32),
        jnp.asarray(_quaternions(rotations), jnp.float32),
        jnp.full(count, _OPACITY_LOGIT, jnp.float32),
        jnp.full((count, 3), _GREY, jnp.float32),
        jnp.ones(count, bool),
    )


def _covered(
    triangles: Float[np.ndarray, "f 3 2"], cell: float
) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, " n"]]:
    """Returns the cells' centres that triangles cover, and by which each is."""
    low = np.floor(triangles.min(axis=1) / cell).astype(np.int64)
    size = np.floor(triangles.max(axis=1) / cell).astype(np.int64) - low + 1
    many = size.prod(axis=1)
    of = np.repeat(np.arange(len(triangles)), many)
    number = np.arange(len(of)) - np.repeat(np.cumsum(many) - many, many)
    steps = np.stack([number % size[of, 0], number // size[of, 0]], axis=1)
    places = (low[of] + steps + 0.5) * cell
    corners = triangles[of]
    sides = []
    for first in range(3):
        side = corners[:, (first + 1) % 3] - corners[:, first]
        off = places - corners[:, first]
        sides.append(side[:, 0] * off[:, 1] - side[:, 1] * off[:, 0])
    turns = np.stack(sides)
    inside = (turns >= 0).all(axis=0) | (turns <= 0).all(axis=0)
    return places[inside], of[inside]


def _axes(
    normals: Float[np.ndarray, "n 3"],
) -> tuple[Float[np.ndarray, "n 3 3"], Float[np.ndarray, " n"]]:
    """Returns the Jacobian's axes as columns, normal last, and its larger stretch.

    The steepest direction is the faced axis less its part along the normal.
    """
    rows = np.arange(len(normals))
    faced = np.abs(normals).argmax(axis=1)
    height = normals[rows, faced]
    axis = np.eye(3)[faced]
    steep = axis - height[:, None] * normals
    length = np.linalg.norm(steep, axis=1, keepdims=True)
    # A surface in the plane itself has no steepest direction: any will do.
    flat = np.eye(3)[(faced + 1) % 3]
    steep = np.where(length > 1e-6, steep / np.maximum(length, 1e-6), flat)
    steep -= (steep * normals).sum(axis=1, keepdims=True) * normals
    steep /= np.linalg.norm(steep, axis=1, keepdims=True)
    across = np.cross(normals, steep)
    return np.stack([steep, across, normals], axis=2), 1 / np.abs(height)


def _quaternions(rotations: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n 4"]:
    """Returns rotation matrices as unit quaternions wxyz (Shepperd 1978)."""
    r = rotations
    trace = np.trace(r, axis1=1, axis2=2)
    diagonal = np.stack([trace, r[:, 0, 0], r[:, 1, 1], r[:, 2, 2]], axis=1)
    largest = diagonal.argmax(axis=1)
    # Row and column i of 4 q q^T, of which the one of the largest component is taken.
    products = np.empty((len(r), 4, 4))
    products[:, 0, 0] = 1 + trace
    for i in range(1, 4):
        products[:, i, i] = 1 + 2 * diagonal[:, i] - trace
    w = [r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1]]
    for i in range(3):
        products[:, 0, i + 1] = products[:, i + 1, 0] = w[i]
        for j in range(i):
            both = r[:, i, j] + r[:, j, i]
            products[:, i + 1, j + 1] = products[:, j + 1, i + 1] = both
    quats = products[np.arange(len(r)), largest]
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)
