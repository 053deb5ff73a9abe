"""Writes tiny data sets in each layout that the loaders read."""

import dataclasses
import json
import math
import pathlib
import struct
from typing import Any

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

ANGLE_X = 0.7
WIDTH, HEIGHT = 20, 12
RADIUS = 4.0
# So many that one may go and the others still count as enough for all sides.
VIEWS = 13
DEFECTS = ("Burrs", "Missing")


def blender_pose(index: int) -> np.ndarray:
    """Returns `world_from_camera`, Blender axes, of the camera `index` on a spiral."""
    azimuth, elevation = 0.7 * index, 0.3 + 0.05 * index
    back = np.array(
        [
            math.cos(azimuth) * math.cos(elevation),
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ]
    )
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(back, right), back], axis=1)
    pose[:3, 3] = RADIUS * back
    return pose


def picture(
    index: int, *, alpha: bool = False, width: int = WIDTH, height: int = HEIGHT
) -> np.ndarray:
    """Returns uint8 pixels: a block on white (or clear) whose red is 10 * `index`."""
    pixels = np.full((height, width, 3 + alpha), 255, np.uint8)
    if alpha:
        pixels[..., 3] = 0
    inside = pixels[height // 4 : -(height // 4), width // 4 : -(width // 4)]
    inside[:] = (10 * index, 60, 90, 255)[: 3 + alpha]
    return pixels


def save(path: pathlib.Path, pixels: np.ndarray, **options: Any) -> None:
    """Writes pixels as an image, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def defect_mask(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Returns a mask of {0, 255} with a marked block of a quarter of the sides."""
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 4, : width // 4] = 255
    return mask


def write_transforms(
    path: pathlib.Path, names: list[str], first: int = 0, **top: Any
) -> None:
    """Writes a transforms.json with the spiral's poses from `first` on."""
    frames = [
        {"file_path": name, "transform_matrix": blender_pose(first + i).tolist()}
        for i, name in enumerate(names)
    ]
    content = {"camera_angle_x": ANGLE_X, **top, "frames": frames}
    path.write_text(json.dumps(content), encoding="utf-8")


def write_mad(
    root: pathlib.Path,
    *,
    views: int = VIEWS,
    mask_suffix: str = "_mask",
    train: str = "train/good",
    good: str = "good",
    width: int = WIDTH,
    height: int = HEIGHT,
    **top: Any,
) -> pathlib.Path:
    """Writes MAD-Sim's layout, poses of the test views included; returns `root`."""
    size = {"width": width, "height": height}
    for i in range(views):
        save(root / train / f"{i}.png", picture(i, **size))
    write_transforms(
        root / "transforms.json",
        [f"{train}/{i}.png" for i in range(views)],
        **top,
    )
    tests = []
    for kind in (good, *DEFECTS):
        for i in range(2):
            name = f"test/{kind}/{i}.png"
            tests.append(name)
            save(root / name, picture(12 + len(tests), **size))
            if kind != good:
                truth = root / "ground_truth" / kind / f"{i}{mask_suffix}.png"
                save(truth, defect_mask(**size))
    write_transforms(root / "test_poses.json", tests, first=30)
    return root


def write_rad(root: pathlib.Path) -> pathlib.Path:
    """Writes RAD's layout: as MAD, with both angles; pixels are not square."""
    return write_mad(root, camera_angle_y=0.35)


def write_mip(root: pathlib.Path) -> pathlib.Path:
    """Writes PIAD's MIP layout: a flat train folder and masks by the image's name."""
    return write_mad(root, train="train", mask_suffix="", good="good_1")


def write_nerf(root: pathlib.Path, *, views: int = VIEWS) -> pathlib.Path:
    """Writes NeRF-synthetic's layout; returns `root`."""
    root.mkdir(parents=True, exist_ok=True)
    for first, split in ((0, "train"), (20, "val"), (30, "test")):
        for i in range(views):
            save(root / split / f"r_{i}.png", picture(i, alpha=True))
        names = [f"./{split}/r_{i}" for i in range(views)]
        write_transforms(root / f"transforms_{split}.json", names, first)
    for extra in ("r_0_depth_0001.png", "r_0_normal_0001.png"):
        save(root / "test" / extra, picture(0, alpha=True))
    return root


def camera_from_world(index: int) -> np.ndarray:
    """Returns the pose of camera `index` with OpenCV axes, as COLMAP has it."""
    return np.diag([1.0, -1.0, -1.0, 1.0]) @ np.linalg.inv(blender_pose(index))


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """Returns the unit quaternion of a rotation, w first."""
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    return np.array([w, x, y, z])


COLMAP_MODELS = {
    "SIMPLE_PINHOLE": 0,
    "PINHOLE": 1,
    "SIMPLE_RADIAL": 2,
    "RADIAL": 3,
    "OPENCV": 4,
    "OPENCV_FISHEYE": 5,
    "FULL_OPENCV": 6,
}


@dataclasses.dataclass(frozen=True)
class ColmapCamera:
    """One line of `cameras.txt`, but for its number."""

    model: str = "PINHOLE"
    width: int = WIDTH
    height: int = HEIGHT
    values: tuple[float, ...] = (28.0, 29.0, 10.5, 5.5)


def write_colmap(
    root: pathlib.Path,
    *,
    binary: bool = False,
    folder: str = "sparse/0",
    images: str = "images",
    views: int = VIEWS,
    cameras: tuple[ColmapCamera, ...] = (ColmapCamera(),),
) -> pathlib.Path:
    """Writes a COLMAP model whose image `i` has camera `i` in turn; returns `root`."""
    names = [f"{i}.png" for i in range(views)]
    for i, name in enumerate(names):
        camera = cameras[i % len(cameras)]
        save(root / images / name, picture(i, width=camera.width, height=camera.height))
    (root / folder).mkdir(parents=True, exist_ok=True)
    write = _write_colmap_binary if binary else _write_colmap_text
    write(root / folder, names, cameras)
    return root


def _write_colmap_text(
    folder: pathlib.Path, names: list[str], cameras: tuple[ColmapCamera, ...]
) -> None:
    lines = ["# Camera list", f"# Number of cameras: {len(cameras)}"]
    for number, camera in enumerate(cameras, start=1):
        values = (camera.width, camera.height, *camera.values)
        lines.append(f"{number} {camera.model} {' '.join(map(str, values))}")
    (folder / "cameras.txt").write_text("\n".join(lines) + "\n")
    lines = [
        "# Image list",
        "#   IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME",
    ]
    for i, name in enumerate(names):
        pose = camera_from_world(i)
        numbers = " ".join(
            map(repr, map(float, (*quaternion(pose[:3, :3]), *pose[:3, 3])))
        )
        lines.append(f"{i + 1} {numbers} {1 + i % len(cameras)} {name}")
        # COLMAP writes an empty line for an image without points.
        lines.append("1.5 2.5 -1 3.25 4 17" if i % 2 else "")
    (folder / "images.txt").write_text("\n".join(lines) + "\n")


def _write_colmap_binary(
    folder: pathlib.Path, names: list[str], cameras: tuple[ColmapCamera, ...]
) -> None:
    data = struct.pack("<Q", len(cameras))
    for number, camera in enumerate(cameras, start=1):
        model = COLMAP_MODELS[camera.model]
        data += struct.pack("<IiQQ", number, model, camera.width, camera.height)
        data += struct.pack(f"<{len(camera.values)}d", *camera.values)
    (folder / "cameras.bin").write_bytes(data)
    data = struct.pack("<Q", len(names))
    for i, name in enumerate(names):
        pose = camera_from_world(i)
        data += struct.pack("<I7d", i + 1, *quaternion(pose[:3, :3]), *pose[:3, 3])
        data += struct.pack("<I", 1 + i % len(cameras)) + name.encode() + b"\0"
        points = [(1.5, 2.5, -1)] * (i % 3)
        data += struct.pack("<Q", len(points))
        data += b"".join(struct.pack("<ddq", *point) for point in points)
    (folder / "images.bin").write_bytes(data)


def llff_rows(count: int, first: int = 0, scale: float = 1) -> np.ndarray:
    """Returns rows of `poses_bounds.npy` for images of `scale` times the usual size."""
    rows = []
    for i in range(first, first + count):
        right, up, back, position = blender_pose(i)[:3].T
        lens = (HEIGHT * scale, WIDTH * scale, 28.0 * scale)
        matrix = np.stack([-up, right, back, position, lens], axis=1)
        rows.append([*matrix.ravel(), 2.0, 6.0])
    return np.array(rows)


def write_llff(
    root: pathlib.Path, *, images: str = "images", views: int = 12, scale: float = 1
) -> pathlib.Path:
    """Writes LLFF's layout; returns `root`. Image 10 comes before image 2."""
    for row, name in enumerate(sorted(f"{i}.png" for i in range(views))):
        save(root / images / name, picture(row))
    np.save(root / "poses_bounds.npy", llff_rows(views, scale=scale))
    return root


def write_tests(root: pathlib.Path) -> pathlib.Path:
    """Writes MAD-Sim's test images and masks beside other training views."""
    for kind in ("good", "Burrs"):
        save(root / "test" / kind / "0.png", picture(20))
    save(root / "ground_truth/Burrs/0_mask.png", defect_mask())
    return root
