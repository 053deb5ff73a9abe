"""Photographs of lenses with distortion become those of a pinhole."""

import dataclasses
import json
import pathlib

import cv2
import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data.lens import Lens
from jaxsplat.data.undistortion import undistortion
from jaxsplat.errors import DataError
from tests.helpers import datasets

BARREL = Lens(
    300.0, 310.0, 165.0, 118.0, 320, 240, (-0.25, 0.06, 0.002, -0.001, *[0.0] * 4)
)
PINCUSHION = dataclasses.replace(BARREL, distortion=(0.15, 0.0, 0.0, 0.001, *[0.0] * 4))
RATIONAL = dataclasses.replace(
    BARREL, distortion=(0.3, 0.05, 0.001, 0.001, 0.01, 0.4, 0.1, 0.01)
)
LENSES = {"barrel": BARREL, "pincushion": PINCUSHION, "rational": RATIONAL}


def _seen(lens: Lens, points: np.ndarray) -> np.ndarray:
    """Returns where a lens shows points of its camera's axes, by the model's formula.

    Written out from OpenCV's documentation, in pixels whose first corner is at 0.
    """
    x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
    k1, k2, p1, p2, k3, k4, k5, k6 = lens.distortion or (0.0,) * 8
    r2 = x * x + y * y
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (
        1 + k4 * r2 + k5 * r2**2 + k6 * r2**3
    )
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([lens.fx * bent_x + lens.cx, lens.fy * bent_y + lens.cy], axis=-1)


@pytest.mark.parametrize("name", LENSES)
def test_a_point_has_one_place_in_both(name: str) -> None:
    """Every pixel of the pinhole shows the point that the photograph has there."""
    lens = LENSES[name]
    way = undistortion(lens)
    columns, rows = np.meshgrid(np.arange(320) + 0.5, np.arange(240) + 0.5)
    directions = np.stack(
        [
            (columns - way.lens.cx) / way.lens.fx,
            (rows - way.lens.cy) / way.lens.fy,
            np.ones_like(rows),
        ],
        axis=-1,
    )
    expected = _seen(lens, directions)
    found = np.stack([way.columns, way.rows], axis=-1) + 0.5
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("name", LENSES)
def test_no_pixel_is_invented_and_none_is_wasted(name: str) -> None:
    way = undistortion(LENSES[name])
    for indices, side in ((way.columns, 320), (way.rows, 240)):
        assert -0.5 <= indices.min() and indices.max() <= side - 0.5
        # The rectangle reaches the frame on both sides.
        assert indices.min() < 0.5 and indices.max() > side - 1.5


def test_a_pinhole_stays() -> None:
    none = dataclasses.replace(BARREL, distortion=(0.0,) * 8)
    way = undistortion(none)
    found = dataclasses.astuple(way.lens)[:6]
    assert found == pytest.approx(dataclasses.astuple(none)[:6])
    image = np.random.default_rng(0).uniform(size=(240, 320, 3)).astype(np.float32)
    np.testing.assert_allclose(way(image), image, atol=1e-4)


@pytest.mark.parametrize("first", [-50.0, 50.0, 1e300, -0.9])
def test_coefficients_of_no_lens_are_refused(first: float) -> None:
    wrong = Lens(200.0, 200.0, 160.0, 120.0, 320, 240, (first, *[0.0] * 7))
    with pytest.raises(DataError, match="which no lens of focal length 200"):
        undistortion(wrong)


DISTORTION = dict(zip(("k1", "k2", "p1", "p2"), BARREL.distortion, strict=False))
# Apart from one another, and inside the frame, in every photograph below.
SPOTS = np.array(
    [
        [-0.29, 0.05, 0.24],
        [-0.06, -0.14, -0.04],
        [0.42, 0.23, -0.18],
        [0.37, -0.35, -0.1],
    ]
)


def _photograph(lens: Lens, index: int, scale: float = 1) -> np.ndarray:
    """Returns what a lens shows of the spots: white ones on black, uint8."""
    lens = lens.scaled(round(lens.width * scale), round(lens.height * scale))
    pose = datasets.camera_from_world(index)
    centres = _seen(lens, SPOTS @ pose[:3, :3].T + pose[:3, 3])
    columns, rows = np.meshgrid(
        np.arange(lens.width) + 0.5, np.arange(lens.height) + 0.5
    )
    light = sum(
        np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (4 * scale) ** 2))
        for x, y in centres
    )
    return np.repeat(np.round(255 * light).astype(np.uint8)[..., None], 3, axis=2)


def _centres(image: np.ndarray, expected: np.ndarray, radius: float) -> np.ndarray:
    """Returns the centres of light near some places, in pixels."""
    columns, rows = np.meshgrid(
        np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5
    )
    found = []
    for x, y in expected:
        light = image * (np.hypot(columns - x, rows - y) < radius)
        found.append([(light * columns).sum(), (light * rows).sum()] / light.sum())
    return np.array(found)


@pytest.fixture
def spots(tmp_path: pathlib.Path) -> pathlib.Path:
    """Returns a nerfstudio-like object of distorted photographs of four spots."""
    lens = dataclasses.replace(BARREL, fx=900.0, fy=930.0)
    for i in range(3):
        datasets.save(tmp_path / f"images/{i}.png", _photograph(lens, i))
        spot = _photograph(lens, i)[..., 0] > 128
        datasets.save(tmp_path / f"masks/{i}.png", (255 * spot).astype(np.uint8))
    for name, scale in (("0", 1.0), ("1", 0.5)):
        pixels = _photograph(lens, 7, scale)
        datasets.save(tmp_path / f"test/Burrs/{name}.png", pixels)
        mask = (255 * (pixels[..., 0] > 128)).astype(np.uint8)
        datasets.save(tmp_path / f"ground_truth/Burrs/{name}_mask.png", mask)
    datasets.write_transforms(
        tmp_path / "transforms.json",
        [f"images/{i}.png" for i in range(3)],
        camera_model="OPENCV",
        **{"fl_x": lens.fx, "fl_y": lens.fy, "cx": lens.cx, "cy": lens.cy},
        **{"w": 320, "h": 240},
        **DISTORTION,
    )
    content = json.loads((tmp_path / "transforms.json").read_text())
    content.pop("camera_angle_x")
    (tmp_path / "transforms.json").write_text(json.dumps(content))
    return tmp_path


def _projected(camera: object, pose: np.ndarray) -> np.ndarray:
    inside = SPOTS @ pose[:3, :3].T + pose[:3, 3]
    return np.stack(
        [
            float(camera.fx) * inside[:, 0] / inside[:, 2] + float(camera.cx),
            float(camera.fy) * inside[:, 1] / inside[:, 2] + float(camera.cy),
        ],
        axis=1,
    )


@pytest.mark.parametrize("size", [None, 160])
def test_the_camera_of_a_view_projects_to_what_it_shows(
    spots: pathlib.Path, size: int | None
) -> None:
    loaded = data.load_object(spots, size=size)
    radius = 14 * (1 if size is None else 0.5)
    for index, view in enumerate(loaded.train):
        expected = _projected(view.camera, datasets.camera_from_world(index))
        # OpenCV before 5 rounds where it looks to 1/32 of a pixel.
        found = _centres(view.image[..., 0], expected, radius)
        np.testing.assert_allclose(found, expected, atol=0.03)
        assert view.foreground is not None
        found = _centres(view.foreground, expected, radius)
        np.testing.assert_allclose(found, expected, atol=0.3)
    for view, scale in zip(loaded.test, (1, 0.5 if size is None else 1), strict=True):
        height, width = view.image.shape[:2]
        assert width == round(scale * loaded.intrinsics.width)
        expected = scale * _projected(loaded.intrinsics, datasets.camera_from_world(7))
        found = _centres(view.image[..., 0], expected, scale * radius)
        np.testing.assert_allclose(found, expected, atol=0.03)
        assert view.mask is not None and view.mask.shape == (height, width)
        marked = _centres(view.mask.astype(float), expected, scale * radius)
        # A mask has whole pixels, twice.
        np.testing.assert_allclose(marked, expected, atol=0.6)


def test_alpha_is_undistorted_with_the_colour(spots: pathlib.Path) -> None:
    for path in spots.glob("images/*.png"):
        pixels = cv2.imread(str(path))
        alpha = np.dstack([np.full_like(pixels, 255), pixels[..., 0]])
        datasets.save(path, alpha)
    for view in data.load_object(spots).train:
        assert view.alpha is not None
        np.testing.assert_allclose(
            view.image, view.alpha[..., None] * np.ones(3), atol=1e-6
        )


def test_the_lens_that_took_the_photographs_is_kept(spots: pathlib.Path) -> None:
    lens = data.load_object(spots, size=160).lens
    assert lens is not None
    assert (lens.fx, lens.cx, lens.width) == (450, 82.5, 160)
    assert lens.distortion == BARREL.distortion


def test_a_frame_may_have_its_own_distortion(spots: pathlib.Path) -> None:
    content = json.loads((spots / "transforms.json").read_text())
    content["frames"][1] |= {"k1": 0.0, "fl_x": 920.0, "fl_y": 940.0}
    (spots / "transforms.json").write_text(json.dumps(content))
    focal = [float(view.camera.fx) for view in data.load_object(spots).train]
    assert focal[1] == 920
    assert focal[0] == focal[2] != 900
