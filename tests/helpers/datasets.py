"""Writes tiny data sets in each layout that the loaders read."""

import json
import math
import pathlib
from typing import Any

import numpy as np
from PIL import Image

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
