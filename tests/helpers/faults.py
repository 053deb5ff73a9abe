"""Breaks a good MAD-like object in one place, so that a test is one line.

Each function takes the object's folder and damages it. `tests.helpers.datasets` writes
the good one.
"""

import json
import pathlib
import shutil
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from tests.helpers import datasets

Break = Callable[[pathlib.Path], object]

FIRST_IMAGE = "train/good/0.png"
_MASK = "ground_truth/Burrs/0_mask.png"


def edit(change: Callable[[dict[str, Any]], object]) -> Break:
    """Changes the parsed transforms.json in place."""

    def apply(root: pathlib.Path) -> None:
        path = root / "transforms.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")

    return apply


def top(**members: Any) -> Break:
    """Sets top members of transforms.json."""
    return edit(lambda content: content.update(members))


def without(key: str) -> Break:
    """Removes a top member."""
    return edit(lambda content: content.pop(key))


def frame(index: int = 0, **members: Any) -> Break:
    """Sets members of one frame."""
    return edit(lambda content: content["frames"][index].update(members))


def frame_without(key: str, index: int = 0) -> Break:
    """Removes a member of one frame."""
    return edit(lambda content: content["frames"][index].pop(key))


def matrix(change: Callable[[np.ndarray], Any]) -> Break:
    """Replaces the first frame's matrix by what `change` makes of it."""

    def apply(content: dict[str, Any]) -> None:
        old = np.array(content["frames"][0]["transform_matrix"])
        new = change(old)
        content["frames"][0]["transform_matrix"] = (
            new.tolist() if isinstance(new, np.ndarray) else new
        )

    return edit(apply)


def with_rotation(change: Callable[[np.ndarray], np.ndarray]) -> Break:
    """Replaces the rotation of the first frame."""

    def apply(old: np.ndarray) -> np.ndarray:
        old[:3, :3] = change(old[:3, :3])
        return old

    return matrix(apply)


def as_opencv_axes(root: pathlib.Path) -> None:
    """Writes every pose with OpenCV camera axes instead of Blender's."""

    def apply(content: dict[str, Any]) -> None:
        for item in content["frames"]:
            pose = np.array(item["transform_matrix"]) * (1, -1, -1, 1)
            item["transform_matrix"] = pose.tolist()

    edit(apply)(root)


def inverted(root: pathlib.Path) -> None:
    """Writes every pose the other way round: from the world to the camera."""

    def apply(content: dict[str, Any]) -> None:
        for item in content["frames"]:
            pose = np.linalg.inv(np.array(item["transform_matrix"]))
            item["transform_matrix"] = pose.tolist()

    edit(apply)(root)


def as_turntable(root: pathlib.Path) -> None:
    """Gives every frame the pose of the first, as of a camera on a tripod."""

    def apply(content: dict[str, Any]) -> None:
        for item in content["frames"]:
            item["transform_matrix"] = content["frames"][0]["transform_matrix"]

    edit(apply)(root)


def text(change: Callable[[str], str | bytes]) -> Break:
    """Changes the text of transforms.json."""

    def apply(root: pathlib.Path) -> None:
        path = root / "transforms.json"
        new = change(path.read_text(encoding="utf-8"))
        path.write_bytes(new if isinstance(new, bytes) else new.encode())

    return apply


def removed(name: str) -> Break:
    """Removes a file or folder."""

    def apply(root: pathlib.Path) -> None:
        path = root / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    return apply


def renamed(old: str, new: str) -> Break:
    """Gives a file another name."""

    def apply(root: pathlib.Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)

    return apply


def content(name: str, data: bytes) -> Break:
    """Puts other bytes into a file."""
    return lambda root: (root / name).write_bytes(data)


def image(name: str, pixels: np.ndarray, **options: Any) -> Break:
    """Puts another image into a file."""
    return lambda root: datasets.save(root / name, pixels, **options)


def mask(pixels: np.ndarray) -> Break:
    """Puts another mask in place of the first."""
    return image(_MASK, pixels)


def turned_by_exif(root: pathlib.Path) -> None:
    """Makes every training view a JPEG on its side, which viewers turn upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in (root / "train/good").glob("*.png"):
        pixels = np.asarray(Image.open(path))
        datasets.save(path.with_suffix(".jpg"), pixels, exif=exif)
        path.unlink()
    text(lambda content: content.replace(".png", ".jpg"))(root)


def cut(name: str, share: float) -> Break:
    """Keeps only the first part of a file."""

    def apply(root: pathlib.Path) -> None:
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[: int(share * len(data))])

    return apply


def folder_in_place_of(name: str) -> Break:
    """Replaces a file by an empty folder."""

    def apply(root: pathlib.Path) -> None:
        (root / name).unlink()
        (root / name).mkdir()

    return apply


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Returns one part of a PNG with its checksum."""
    crc = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + crc


def png_of_size(width: int, height: int) -> bytes:
    """Returns a well-formed PNG that claims a size and holds almost nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 48_000))
        + png_chunk(b"IEND", b"")
    )
