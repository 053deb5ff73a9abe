"""Splats in `.splat` files (antimatter15's viewer): 32 bytes each and no header.

Position and scale (linear) as three float32 each, red, green, blue and opacity as
bytes of 1/255, and the quaternion wxyz as bytes (q + 1) * 128. Colours do not depend
on the view.
"""

import os
import string
from typing import BinaryIO

import numpy as np

from jaxsplat import errors
from jaxsplat.scene import rows as scene_rows
from jaxsplat.scene.rows import Rows

_LAYOUT = np.dtype(
    [
        ("mean", "<f4", 3),
        ("scale", "<f4", 3),
        ("color", "u1", 4),
        ("quat", "u1", 4),
    ]
)


def read(path: str | os.PathLike[str], file: BinaryIO) -> Rows:
    """Returns the splats of a file, which stands at its start.

    Raises:
        DataError: it is not a whole number of splats, or text.
        OSError: the file cannot be read.
    """
    size = os.fstat(file.fileno()).st_size
    start = file.read(2 * _LAYOUT.itemsize)
    is_text = not start.translate(None, string.printable.encode())
    if not size or size % _LAYOUT.itemsize or is_text:
        raise errors.DataError(
            f"{path}: found {size} bytes that start with {start[:8]!r}, expected "
            f"{_LAYOUT.itemsize} for each splat; the file is cut or no .splat file"
        )
    file.seek(0)
    table = np.fromfile(file, _LAYOUT)
    color = table["color"] / 255.0
    with np.errstate(divide="ignore", invalid="ignore"):  # of 0 and of negative ones
        log_scales = np.log(table["scale"])
    return Rows(
        means=table["mean"],
        log_scales=log_scales,
        quats=table["quat"] / 128.0 - 1.0,
        opacity_logits=scene_rows.logits_of(color[:, 3]),
        colors=color[:, :3],
    )


def encode(rows: Rows) -> bytes:
    """Returns the content of a file, without `sh_rest`.

    Positions come back exactly, scales as float32 can, colours (within [0, 1]) and
    opacities to 1/510, components of unit quaternions to 1/256 (1/128 at 1).
    """
    table = np.empty(len(rows.means), _LAYOUT)
    table["mean"] = rows.means
    table["scale"] = np.exp(rows.log_scales.astype(np.float64))
    opacities = scene_rows.opacities_of(rows.opacity_logits)
    table["color"] = _bytes(255 * np.column_stack([rows.colors, opacities]))
    table["quat"] = _bytes(128 * scene_rows.unit_quats(rows.quats) + 128)
    return table.tobytes()


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
