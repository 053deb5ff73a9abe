"""Splat files of any format that is known here, read and written.

| format | read | written as |
|---|---|---|
| PLY of the original 3DGS (also ASCII, big-endian) | yes | `.ply`, bit for bit |
| SuperSplat's compressed PLY | yes | `.compressed.ply`, 16 bytes a splat |
| antimatter15's `.splat` | yes | `.splat`, 32 bytes, no view-dependent colour |
"""

import os
import pathlib
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from absl import logging
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.data import atomic
from jaxsplat.scene import (
    compressed_ply,
    foreign,
    ply,
    ply_body,
    ply_header,
    splat_file,
)
from jaxsplat.scene import rows as scene_rows
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.scene.ply_header import Header
from jaxsplat.scene.rows import Rows


def read_splats(path: str | os.PathLike[str]) -> Gaussians:
    """Returns the Gaussians of a splat file, all of them live.

    The format is told by the content, or by the ending of the name for `.splat`, which
    has no signature. Elements and properties of other uses are skipped, rows that hold
    NaN are dropped with a warning, opacities of 0 and 1 become finite logits, a 3D
    filter (`filter_3D`) is applied. Colours that depend on no view are at least 0.

    Args:
        path: the file.

    Raises:
        DataError: the file is missing, of an unknown format, cut or damaged, or no row
            of it is finite.
    """
    try:
        with open(path, "rb") as file:
            rows = _read(path, file)
    except OSError as error:
        raise errors.DataError(f"{path}: cannot be read: {error.strerror}") from error
    return scene_rows.to_gaussians(path, rows)


def write_splats(
    path: str | os.PathLike[str],
    gaussians: Gaussians,
    properties: Mapping[str, Float[np.ndarray, " n"]] | None = None,
) -> None:
    """Writes the live rows, so that the file is whole or not there.

    Args:
        path: the file; its ending says the format: `.ply` (exact, in the order of the
            rows), `.compressed.ply` or `.splat`. One that exists is replaced, a missing
            folder is made.
        gaussians: the scene.
        properties: more numbers of every row, live or not, by name, such as
            `PartInspection.anomalies`; for `.ply` alone.

    Raises:
        ConfigError: the ending is none of these, or has no room for properties; a
            property has the name of another, or not a number for every row.
        NumericsError: a live row is not finite; nothing is written.
        OSError: the folder is full or not writable.
    """
    name = pathlib.PurePath(path).name.lower()
    if not name.endswith((".ply", ".splat")):
        raise errors.ConfigError(
            f"{path}: expected a name that ends in .ply, .compressed.ply or .splat"
        )
    rows = scene_rows.from_gaussians(path, gaussians)
    properties = _of_live(path, gaussians, properties or {})
    if properties and name.endswith((".splat", ".compressed.ply")):
        raise errors.ConfigError(
            f"{path}: has no room for {', '.join(properties)}; expected a name that "
            "ends in .ply"
        )
    if name.endswith(".splat"):
        _warn_of_loss(path, rows)
        content = splat_file.encode(rows)
    elif name.endswith(".compressed.ply"):
        content = compressed_ply.encode(rows)
    else:
        content = ply.encode(rows, properties)
    atomic.write_bytes(path, content)


def _of_live(
    path: str | os.PathLike[str],
    gaussians: Gaussians,
    properties: Mapping[str, Float[np.ndarray, " n"]],
) -> dict[str, Float[np.ndarray, " m"]]:
    """Returns the properties of the live rows."""
    live = np.asarray(gaussians.live)
    for name, values in properties.items():
        if not name.isidentifier() or ply.is_known(name):
            raise errors.ConfigError(
                f"{path}: property {name!r}: expected a word that means nothing else"
            )
        if values.shape != live.shape:
            raise errors.ConfigError(
                f"{path}: property {name}: found shape {values.shape}, expected "
                f"{live.shape}, a number for each Gaussian"
            )
    return {name: values[live] for name, values in properties.items()}


def _read(path: str | os.PathLike[str], file: BinaryIO) -> Rows:
    start = file.read(foreign.START_BYTES)
    file.seek(0)
    if start.startswith((b"ply\n", b"ply\r", b"ply ", b"ply\t")):
        header = ply_header.read(path, file)
        _warn_of_rasteriser(path, header)
        if "chunk" in header.elements:
            compressed_ply.check(path, header)
            return compressed_ply.decode(
                ply_body.read(path, file, header, compressed_ply.ELEMENTS)
            )
        ply.check(path, header)
        return ply.decode(ply_body.read(path, file, header, ply.ELEMENTS))
    found = foreign.describe(path, start)
    if found is not None:
        raise errors.DataError(f"{path}: {found}")
    if pathlib.PurePath(path).suffix.lower() == ".splat":
        return splat_file.read(path, file)
    if not start:
        raise errors.DataError(f"{path}: is empty; copy it again")
    raise errors.DataError(
        f"{path}: not a splat file, starts with {start[:8]!r}; expected a PLY file "
        "(also SuperSplat's compressed one) or a .splat file"
    )


def _warn_of_rasteriser(path: str | os.PathLike[str], header: Header) -> None:
    """Warns of files that say that they were fitted to be drawn in another way.

    Brush writes "SplatRenderMode: mip", Postshot "antialiased 1".
    """
    for comment in header.comments:
        words = comment.replace(":", " ").lower().split()
        if words in (["splatrendermode", "mip"], ["antialiased", "1"]):
            logging.warning(
                "%s: was fitted with antialiasing (comment %r); small splats are drawn "
                "too opaque here",
                path,
                comment,
            )


def _warn_of_loss(path: str | os.PathLike[str], rows: Rows) -> None:
    if rows.sh_rest is not None:
        logging.warning("%s: .splat holds no view-dependent colour; dropped", path)
    clipped = np.sum(np.any((rows.colors < 0) | (rows.colors > 1), axis=1))
    if clipped:
        logging.warning(
            "%s: .splat holds colours from 0 to 1; %d of %d splats are clipped",
            path,
            clipped,
            len(rows.colors),
        )
