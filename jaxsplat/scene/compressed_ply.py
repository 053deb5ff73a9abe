"""Splats in SuperSplat's compressed PLY files (PlayCanvas), 16 bytes each.

Every 256 splats form a chunk, whose row holds the bounds of their positions, logarithms
of scales and (in newer files) colours. A `vertex` is four words of 32 bits, fields from
the highest bit down, each a fraction k / (2^bits - 1):

    packed_position  11 10 11   x y z between the bounds of the chunk
    packed_scale     11 10 11   logarithms, likewise
    packed_color     8 8 8 8    red, green, blue, likewise (else in [0, 1]); opacity
    packed_rotation  2 10 10 10 which of wxyz is the largest, which is positive; the
                                three others, in order, of [-1, 1] / sqrt(2)

Of degree 1 to 3, an element `sh` holds f_rest in bytes: k is (k + 0.5) / 32 - 4, but 0
and 255 are -4 and 4.
"""

import os

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt32

from jaxsplat import errors
from jaxsplat.scene import ply, ply_header
from jaxsplat.scene import rows as scene_rows
from jaxsplat.scene.ply_header import Element, Header
from jaxsplat.scene.rows import Rows

_CHUNK = 256  # splats
_XYZ, _RGB = "xyz", "rgb"
_BOUNDS = [
    *[f"{end}_{axis}" for end in ("min", "max") for axis in _XYZ],
    *[f"{end}_scale_{axis}" for end in ("min", "max") for axis in _XYZ],
]
_COLOR_BOUNDS = [f"{end}_{channel}" for end in ("min", "max") for channel in _RGB]
_PACKED = ["packed_position", "packed_rotation", "packed_scale", "packed_color"]
_POINT_BITS, _COLOR_BITS, _QUAT_BITS = (11, 10, 11), (8, 8, 8, 8), (10, 10, 10)
_MAX_LOG_SCALE = 20.0  # either way; what lies beyond would coarsen the whole chunk
_SH_RANGE = 8.0  # from -4 to 4
_CURVE_BITS = 16  # an axis
# The three components beside the largest.
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])

ELEMENTS = ("chunk", "vertex", "sh")


def check(path: str | os.PathLike[str], header: Header) -> None:
    """Checks that the elements are those of a compressed file.

    Raises:
        DataError: they are not.
    """
    if not header.byte_order:
        raise errors.DataError(f"{path}: a compressed PLY must be binary, found ascii")
    wanted = {"chunk": dict.fromkeys(_BOUNDS, "f4")}
    wanted["vertex"] = dict.fromkeys(_PACKED, "u4")
    elements = header.elements
    chunk, vertex, sh = elements["chunk"], elements["vertex"], elements.get("sh")
    if any(name in dict(chunk.fields) for name in _COLOR_BOUNDS):
        wanted["chunk"] |= dict.fromkeys(_COLOR_BOUNDS, "f4")
    if sh is not None:
        rest = ply.rest_names(dict(sh.fields))
        wanted["sh"] = dict.fromkeys(rest, "u1")
        if len(rest) not in ply.REST_COUNTS or sh.count != vertex.count:
            raise errors.DataError(
                f"{path}: found {sh.count} rows of {len(rest)} f_rest properties, "
                f"expected {vertex.count} rows of 9, 24 or 45"
            )
    for name, types in wanted.items():
        found = dict(elements[name].fields)
        wrong = [key for key, kind in types.items() if found.get(key) != kind]
        if wrong:
            raise errors.DataError(
                f"{path}: properties of {name} missing or of another type: "
                f"{', '.join(wrong)}; expected a compressed PLY of SuperSplat"
            )
    if chunk.count != -(-vertex.count // _CHUNK):
        raise errors.DataError(
            f"{path}: found {chunk.count} chunks for {vertex.count} splats, expected "
            f"one for each {_CHUNK}"
        )


def decode(tables: dict[str, np.ndarray]) -> Rows:
    """Returns the splats of a file that was checked."""
    chunk, vertex = tables["chunk"], tables["vertex"]
    chunk_of = np.arange(len(vertex)) // _CHUNK

    def between(name: str, axes: str, shares: np.ndarray) -> np.ndarray:
        low, high = (
            np.stack([chunk[f"{end}_{name}{a}"][chunk_of] for a in axes], axis=1)
            for end in ("min", "max")
        )
        with np.errstate(invalid="ignore"):  # infinite bounds make rows of NaN
            return low.astype(np.float64) * (1 - shares) + high * shares

    color = _unpack(vertex["packed_color"], _COLOR_BITS)
    rgb = color[:, :3]
    if "min_r" in (chunk.dtype.names or ()):
        rgb = between("", _RGB, rgb)
    position = _unpack(vertex["packed_position"], _POINT_BITS)
    scale = _unpack(vertex["packed_scale"], _POINT_BITS)
    return Rows(
        means=between("", _XYZ, position),
        log_scales=between("scale_", _XYZ, scale),
        quats=_unpack_quats(vertex["packed_rotation"]),
        opacity_logits=scene_rows.logits_of(color[:, 3]),
        colors=rgb,
        sh_rest=_unpack_rest(tables["sh"]) if "sh" in tables else None,
    )


def encode(rows: Rows) -> bytes:
    """Returns the content of a file, whose rows follow a curve through space.

    Against a PLY file, positions, logarithms of scales (within +-20) and colours move
    by at most 1/2046 (1/510) of their range in the chunk, opacities by 1/510, the
    small components of quaternions by 7e-4, coefficients (within +-4) by 1/32.
    """
    order = _along_curve(rows.means)
    log_scales = np.clip(rows.log_scales[order], -_MAX_LOG_SCALE, _MAX_LOG_SCALE)
    bounds, shares = zip(
        *(_bounded(v) for v in (rows.means[order], log_scales, rows.colors[order]))
    )
    opacities = scene_rows.opacities_of(rows.opacity_logits[order])
    packed = [
        _pack(shares[0], _POINT_BITS),
        _pack_quats(rows.quats[order]),
        _pack(shares[1], _POINT_BITS),
        _pack(np.column_stack([shares[2], opacities]), _COLOR_BITS),
    ]
    chunk = np.concatenate(bounds, axis=1).astype("<f4")
    vertex = np.stack(packed, axis=1).astype("<u4")
    tables = [("chunk", [*_BOUNDS, *_COLOR_BOUNDS], "f4", chunk)]
    tables += [("vertex", _PACKED, "u4", vertex)]
    if rows.sh_rest is not None:
        flat = scene_rows.flat_rest(rows)[order].astype(np.float64)
        levels = np.floor((flat / _SH_RANGE + 0.5) * 256)
        sh = np.clip(levels, 0, 255).astype(np.uint8)
        tables += [("sh", [f"f_rest_{k}" for k in range(sh.shape[1])], "u1", sh)]
    header = ply_header.encode(
        [Element(name, len(t), [(n, kind) for n in ns]) for name, ns, kind, t in tables]
    )
    return b"".join([header, *(table.tobytes() for *_, table in tables)])


def _unpack(
    words: Shaped[np.ndarray, " n"], bits: tuple[int, ...]
) -> Float[np.ndarray, "n k"]:
    """Returns the fields of words, the last in the lowest bits, as shares of 1."""
    shares = []
    for width in reversed(bits):
        shares.append((words & (2**width - 1)) / (2**width - 1))
        words = words >> width
    return np.stack(shares[::-1], axis=1)


def _pack(
    shares: Float[np.ndarray, "n k"], bits: tuple[int, ...]
) -> UInt32[np.ndarray, " n"]:
    """Returns the words that `_unpack` takes apart."""
    words = np.zeros(len(shares), np.uint32)
    for share, width in zip(shares.T, bits):
        levels = np.clip(np.floor(share * (2**width - 1) + 0.5), 0, 2**width - 1)
        words = (words << width) | levels.astype(np.uint32)
    return words


def _unpack_quats(words: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, "n 4"]:
    three = (_unpack(words, _QUAT_BITS) - 0.5) * np.sqrt(2)
    largest = (words >> 30).astype(np.int64)
    quats = np.empty((len(words), 4))
    np.put_along_axis(quats, _OTHERS[largest], three, axis=1)
    rest = np.maximum(1 - np.sum(three**2, axis=1), 0)
    np.put_along_axis(quats, largest[:, None], np.sqrt(rest)[:, None], axis=1)
    return quats


def _pack_quats(quats: Float[np.ndarray, "n 4"]) -> UInt32[np.ndarray, " n"]:
    unit = scene_rows.unit_quats(quats)
    largest = np.argmax(np.abs(unit), axis=1)
    # A quaternion and its negative are one rotation.
    unit *= np.copysign(1, np.take_along_axis(unit, largest[:, None], axis=1))
    three = np.take_along_axis(unit, _OTHERS[largest], axis=1)
    words = _pack(three / np.sqrt(2) + 0.5, _QUAT_BITS)
    return words | (largest.astype(np.uint32) << 30)


def _unpack_rest(table: np.ndarray) -> Float[np.ndarray, "n s 3"] | None:
    names = ply.rest_names(table.dtype.names or ())
    levels = np.empty((len(table), len(names)), np.float64)
    for column, name in enumerate(names):
        levels[:, column] = table[name]
    shares = np.where(levels == 255, 1.0, (levels + 0.5) / 256)
    shares = np.where(levels == 0, 0.0, shares)
    return scene_rows.sh_rest((shares - 0.5) * _SH_RANGE)


def _bounded(
    values: Float[np.ndarray, "n 3"],
) -> tuple[Float[np.ndarray, "c 6"], Float[np.ndarray, "n 3"]]:
    """Returns each chunk's least and greatest values, and where between each lies."""
    starts = np.arange(0, len(values), _CHUNK)
    if not len(starts):
        return np.zeros((0, 6), np.float32), np.zeros((0, 3))
    low = np.minimum.reduceat(values, starts).astype(np.float64)
    high = np.maximum.reduceat(values, starts).astype(np.float64)
    chunk_of = np.arange(len(values)) // _CHUNK
    extent = np.where(high > low, high - low, 1.0)
    shares = (values - low[chunk_of]) / extent[chunk_of]
    return np.concatenate([low, high], axis=1), shares


def _along_curve(means: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
    """Returns an order of the rows in which neighbours are near (Morton 1966)."""
    if not len(means):
        return np.arange(0)
    wide = means.astype(np.float64)
    low, high = wide.min(axis=0), wide.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    cells = ((wide - low) / extent * (2**_CURVE_BITS - 1)).astype(np.int64)
    code = np.zeros(len(means), np.int64)
    for bit in range(_CURVE_BITS):
        for axis in range(3):
            code |= ((cells[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")
