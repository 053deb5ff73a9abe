"""Splat files of other formats, told by their first bytes, and how to convert them."""

import os
import pathlib
import zlib

_TRANSFORM = (
    "convert it with `splat-transform {name} scene.ply` (npm install -g "
    "@playcanvas/splat-transform), or export it as .ply from the program that made it"
)
_BY_NAME = {
    ".ksplat": "a .ksplat file (GaussianSplats3D)",
    ".spz": "an .spz file (Niantic)",
    ".sog": "a .sog file (PlayCanvas)",
    ".lcc": "an LCC file (XGRIDS)",
    ".lcc2": "an LCC file (XGRIDS)",
}
_LFS_START = b"version https://git-lfs"
_EXPORT = "export it as .ply from the program that made it"

START_BYTES = 1 << 16  # of a file, which `describe` looks at


def describe(path: str | os.PathLike[str], start: bytes) -> str | None:
    """Returns what a file is and how to convert it; None when that is not known.

    Formats with a signature are told by it, the others by the ending of the name.

    Args:
        path: of the file.
        start: its first `START_BYTES`.
    """
    name = pathlib.PurePath(path).name
    kind, way = _kind(name.lower(), start)
    if not kind:
        return None
    return f"is {kind}, which is not read here; {way.format(name=name)}"


def _kind(name: str, start: bytes) -> tuple[str, str]:
    if not start:
        return "", ""
    content = start
    if start.startswith(b"\x1f\x8b"):
        content = _unzipped(start)
    if content.startswith(b"NGSP"):
        return "an .spz file (Niantic)", _TRANSFORM
    if content.startswith(b"ply") and content is not start:
        return "a PLY file packed with gzip", "unpack it with `gunzip {name}`"
    if start.startswith(_LFS_START):
        return "a pointer of Git LFS, not the file", "run `git lfs pull`"
    if name.endswith((".pt", ".pth", ".ckpt")):
        return "a PyTorch checkpoint", _EXPORT
    if start.startswith(b"PK\x03\x04"):
        return "a zip archive, as .sog files are", _TRANSFORM
    if start.startswith(b"glTF") or b'"KHR_gaussian_splatting' in start:
        return "glTF (KHR_gaussian_splatting)", _EXPORT
    for suffix, kind in _BY_NAME.items():
        if name.endswith(suffix):
            return kind, _TRANSFORM
    if start.lstrip().startswith(b"{"):
        if name.endswith(".gltf"):
            return "glTF (KHR_gaussian_splatting)", _EXPORT
        if name.endswith(".json"):
            return "JSON, as the meta.json of an unpacked .sog file is", _TRANSFORM
    return "", ""


def _unzipped(start: bytes) -> bytes:
    """Returns the first bytes of what gzip packed, none where that fails."""
    try:
        return zlib.decompressobj(wbits=31).decompress(start, 16)
    except zlib.error:
        return b""
