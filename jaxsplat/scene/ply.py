"""Gaussians in PLY files, in the layout of the original 3DGS that viewers read.

One `vertex` element of float32 properties: x y z, nx ny nz (zero), f_dc_0..2, f_rest_*,
opacity, scale_0..2, rot_0..3 (Kerbl et al. 2023, published code). Opacities are logits,
scales logarithms, rotations quaternions wxyz. f_rest holds the coefficients of red,
then of green, then of blue. f_dc is (colour - 0.5) / C0; that conversion rounds, all
other values come back bit for bit.

Only binary little-endian files are read, which is what 3DGS programs write.
"""

import os

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.data import atomic
from jaxsplat.scene import gaussians as scene_gaussians
from jaxsplat.scene import ply_header

_C0 = 0.28209479177387814  # spherical harmonic of degree 0, 1 / (2 sqrt(pi))


def write_ply(
    path: str | os.PathLike[str], gaussians: scene_gaussians.Gaussians
) -> None:
    """Writes the live rows, in their order, so that the file is whole or not there.

    Args:
        path: the file; one that exists is replaced, a missing folder is made.
        gaussians: the scene.

    Raises:
        NumericsError: a live row is not finite; nothing is written.
        OSError: the folder is full or not writable.
    """
    live = np.flatnonzero(np.asarray(gaussians.live))
    names, table = _table(gaussians, live)
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if bad.size:
        raise errors.NumericsError(
            f"{path}: {bad.size} of {len(live)} live Gaussians hold NaN or infinity, "
            f"first row {live[bad[0]]}; not written"
        )
    atomic.write_bytes(path, ply_header.encode(names, len(live)) + table.tobytes())


def read_ply(path: str | os.PathLike[str]) -> scene_gaussians.Gaussians:
    """Returns the Gaussians of a 3DGS file, all of them live.

    Normals may be missing and further scalar properties are skipped. The header is
    checked against the size of the file before anything is allocated.

    Args:
        path: a binary little-endian PLY file.

    Raises:
        DataError: the file is missing, not such a file, cut, or holds NaN or infinity.
    """
    try:
        with open(path, "rb") as file:
            count, layout = ply_header.read(path, file)
            start = file.tell()
            found = os.fstat(file.fileno()).st_size - start
            if found != count * layout.itemsize:
                raise errors.DataError(
                    f"{path}: the header promises {count} vertices of "
                    f"{layout.itemsize} bytes, {count * layout.itemsize} in all, but "
                    f"{found} follow it; the file is cut or damaged"
                )
            rows = np.fromfile(file, dtype=layout, count=count)
    except OSError as error:
        raise errors.DataError(f"{path}: cannot be read: {error.strerror}") from error
    if len(rows) != count:
        raise errors.DataError(f"{path}: the file became shorter while it was read")
    return _gaussians(path, rows)


def stored(gaussians: scene_gaussians.Gaussians) -> scene_gaussians.Gaussians:
    """Returns the live rows as they would come back from a file.

    Once so rounded, they come back bit for bit: a colour is then the nearest float32 to
    what its coefficient says, or the coefficient the nearest to the colour.
    """
    live = np.flatnonzero(np.asarray(gaussians.live))
    names, table = _table(gaussians, live)
    layout = np.dtype([(name, "<f4") for name in names])
    return _gaussians("the scene", table.view(layout)[:, 0])


def _table(
    gaussians: scene_gaussians.Gaussians, live: np.ndarray
) -> tuple[list[str], Float[np.ndarray, "n q"]]:
    """Returns property names and values of the given rows, as the file holds them."""
    means = np.asarray(gaussians.means)[live]
    colors = np.asarray(gaussians.colors)[live].astype(np.float64)
    # [n, s, 3] -> [n, 3 s]: all coefficients of one channel stand together.
    sh_rest = np.zeros((len(live), 0), dtype=np.float32)
    if gaussians.sh_rest is not None:
        sh_rest = np.asarray(gaussians.sh_rest)[live].swapaxes(1, 2)
        sh_rest = sh_rest.reshape(len(live), 3 * sh_rest.shape[2])
    columns = [
        means,
        np.zeros_like(means),
        (colors - 0.5) / _C0,
        sh_rest,
        np.asarray(gaussians.opacity_logits)[live, None],
        np.asarray(gaussians.log_scales)[live],
        np.asarray(gaussians.quats)[live],
    ]
    with np.errstate(over="ignore"):  # overflow is found as infinity by the caller
        table = np.concatenate([c.astype("<f4") for c in columns], axis=1)
    return ply_header.names(sh_rest.shape[1]), table


def _gaussians(
    path: str | os.PathLike[str], rows: np.ndarray
) -> scene_gaussians.Gaussians:
    """Returns the record of a structured array that has all properties."""

    def columns(names: list[str]) -> Float[np.ndarray, "n q"]:
        table = np.empty((len(rows), len(names)), dtype=np.float32)
        for column, name in enumerate(names):
            with np.errstate(over="ignore"):
                table[:, column] = rows[name]
            bad = np.flatnonzero(~np.isfinite(table[:, column]))
            if bad.size:
                raise errors.DataError(
                    f"{path}: property {name} is NaN or infinite in {bad.size} of "
                    f"{len(rows)} vertices, first {bad[0]}"
                )
        return table

    rest = ply_header.rest_names(rows.dtype.names or ())
    sh_rest = None
    if rest:
        by_channel = columns(rest).reshape(len(rows), 3, len(rest) // 3)
        sh_rest = jnp.asarray(by_channel.swapaxes(1, 2))
    colors = columns(ply_header.COLORS).astype(np.float64) * _C0 + 0.5
    return scene_gaussians.Gaussians(
        means=jnp.asarray(columns(ply_header.MEANS)),
        log_scales=jnp.asarray(columns(ply_header.SCALES)),
        quats=jnp.asarray(columns(ply_header.QUATS)),
        opacity_logits=jnp.asarray(columns(["opacity"])[:, 0]),
        colors=jnp.asarray(colors.astype(np.float32)),
        live=jnp.ones(len(rows), dtype=bool),
        sh_rest=sh_rest,
    )
