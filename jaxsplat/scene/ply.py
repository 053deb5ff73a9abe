"""Splats in PLY files, in the layout of the original 3DGS that viewers read.

One `vertex` element of float32 properties: x y z, nx ny nz (zero), f_dc_0..2, f_rest_*,
opacity, scale_0..2, rot_0..3 (Kerbl et al. 2023, published code). Opacities are logits,
scales logarithms, rotations quaternions wxyz. f_rest holds the coefficients of red,
then of green, then of blue. f_dc is (colour - 0.5) / C0; that conversion rounds, all
other values come back bit for bit.

Mip-Splatting adds filter_3D. Other properties are skipped.
"""

import os
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.scene import gaussians as scene_gaussians
from jaxsplat.scene import ply_header
from jaxsplat.scene import rows as scene_rows
from jaxsplat.scene.ply_header import Element, Header
from jaxsplat.scene.rows import Rows

_MEANS = ["x", "y", "z"]
_NORMALS = ["nx", "ny", "nz"]
_COLORS = [f"f_dc_{k}" for k in range(3)]
_SCALES = [f"scale_{k}" for k in range(3)]
_QUATS = [f"rot_{k}" for k in range(4)]
_REQUIRED = [*_MEANS, *_COLORS, "opacity", *_SCALES, *_QUATS]
_FILTER = "filter_3D"
REST_COUNTS = (0, 9, 24, 45)  # of spherical harmonics of degree 0 to 3

ELEMENTS = ("vertex",)


def check(path: str | os.PathLike[str], header: Header) -> None:
    """Checks that every property of a splat is there, as a float.

    Raises:
        DataError: one is missing or of another type.
    """
    types = dict(header.elements["vertex"].fields)
    rest = rest_names(types)
    missing = [name for name in [*_REQUIRED, *rest] if name not in types]
    if missing:
        raise errors.DataError(
            f"{path}: properties missing: {', '.join(missing)}; expected a 3DGS file"
        )
    if len(rest) not in REST_COUNTS:
        raise errors.DataError(
            f"{path}: found {len(rest)} f_rest properties, expected 0, 9, 24 or 45 "
            "(spherical harmonics of degree 0 to 3)"
        )
    for name in [*_REQUIRED, *rest, _FILTER]:
        if types.get(name, "f4") not in ("f4", "f8"):
            raise errors.DataError(f"{path}: property {name} must be float or double")


def is_known(name: str) -> bool:
    """Returns whether a property means something to readers of splats."""
    return name in (*_REQUIRED, *_NORMALS, _FILTER) or name.startswith("f_rest_")


def rest_names(properties: Iterable[str]) -> list[str]:
    """Returns the f_rest names among the properties, ordered by their number."""
    found = {name for name in properties if name.startswith("f_rest_")}
    return [f"f_rest_{k}" for k in range(len(found))]


def decode(tables: dict[str, np.ndarray]) -> Rows:
    """Returns the splats of a file that was checked."""
    table = tables["vertex"]
    names = table.dtype.names or ()

    def columns(wanted: list[str]) -> Float[np.ndarray, "n q"]:
        found = np.empty((len(table), len(wanted)), np.float32)
        with np.errstate(over="ignore"):  # doubles beyond float32 become infinite
            for column, name in enumerate(wanted):
                found[:, column] = table[name]
        return found

    return Rows(
        means=columns(_MEANS),
        log_scales=columns(_SCALES),
        quats=columns(_QUATS),
        opacity_logits=columns(["opacity"])[:, 0],
        colors=columns(_COLORS).astype(np.float64) * scene_rows.C0 + 0.5,
        sh_rest=scene_rows.sh_rest(columns(rest_names(names))),
        filters=columns([_FILTER])[:, 0] if _FILTER in names else None,
    )


def encode(
    rows: Rows, properties: Mapping[str, Float[np.ndarray, " n"]] | None = None
) -> bytes:
    """Returns the content of a file.

    Args:
        rows: the splats.
        properties: more numbers of each, by name; they stand last.
    """
    table = _table(rows)
    if properties:
        more = [(name, "<f4") for name in properties]
        wider = np.empty(len(table), [*table.dtype.descr, *more])
        for name in table.dtype.names or ():
            wider[name] = table[name]
        for name, values in properties.items():
            wider[name] = values
        table = wider
    fields = [(name, "f4") for name in table.dtype.names or ()]
    header = ply_header.encode([Element("vertex", len(table), fields)])
    return header + table.tobytes()


def stored(gaussians: scene_gaussians.Gaussians) -> scene_gaussians.Gaussians:
    """Returns the live rows as they would come back from a file.

    Once so rounded, they come back bit for bit: a colour is then the nearest float32 to
    what its coefficient says, or the coefficient the nearest to the colour.

    Raises:
        NumericsError: a live row is not finite.
    """
    name = "the scene"
    table = _table(scene_rows.from_gaussians(name, gaussians))
    return scene_rows.to_gaussians(name, decode({"vertex": table}))


def _table(rows: Rows) -> np.ndarray:
    """Returns the structured array that the file holds."""
    f_rest = scene_rows.flat_rest(rows)
    columns = [
        rows.means,
        np.zeros_like(rows.means),
        (rows.colors.astype(np.float64) - 0.5) / scene_rows.C0,
        f_rest,
        rows.opacity_logits[:, None],
        rows.log_scales,
        rows.quats,
    ]
    rest = [f"f_rest_{k}" for k in range(f_rest.shape[1])]
    names = [*_MEANS, *_NORMALS, *_COLORS, *rest, "opacity", *_SCALES, *_QUATS]
    table = np.concatenate([c.astype("<f4") for c in columns], axis=1)
    return table.view([(name, "<f4") for name in names])[:, 0]
