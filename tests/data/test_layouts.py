"""Each layout gives the same records."""

import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.core import cameras
from jaxsplat.data import images, poses
from jaxsplat.errors import ConfigError
from tests.helpers import datasets, faults

Writer = Callable[[pathlib.Path], pathlib.Path]
LAYOUTS = [
    datasets.write_mad,
    datasets.write_rad,
    datasets.write_mip,
    datasets.write_nerf,
]


def _red(view: data.View) -> int:
    """Returns the index that the generator wrote into the middle of a picture."""
    return round(float(view.image[view.image.shape[0] // 2, -8, 0]) * 25.5)


@pytest.mark.parametrize("write", LAYOUTS)
def test_images_meet_their_poses(tmp_path: pathlib.Path, write: Writer) -> None:
    loaded = data.load_object(write(tmp_path / "01Brick"))
    assert loaded.name == "01Brick"
    assert loaded.background == (1.0, 1.0, 1.0)
    assert len(loaded.train) == datasets.VIEWS
    names = [view.name for view in (*loaded.train, *loaded.test)]
    assert len(set(names)) == len(names)
    for view in loaded.train:
        expected = poses.opencv_from_blender(datasets.blender_pose(_red(view)))
        assert view.camera is not None
        np.testing.assert_allclose(view.camera.camera_from_world, expected, atol=1e-6)
        assert view.camera.fx == loaded.intrinsics.fx
        np.testing.assert_allclose(
            cameras.position(view.camera),
            datasets.blender_pose(_red(view))[:3, 3],
            atol=1e-5,
        )
    for view in loaded.test:
        assert view.camera is None
    np.testing.assert_array_equal(loaded.intrinsics.camera_from_world, np.eye(4))


def test_eleven_views_whose_listing_order_differs(tmp_path: pathlib.Path) -> None:
    loaded = data.load_object(datasets.write_mad(tmp_path / "a", views=11))
    assert [view.name for view in loaded.train][1:3] == [
        "train/good/1.png",
        "train/good/2.png",
    ]
    assert [_red(view) for view in loaded.train] == list(range(11))


@pytest.mark.parametrize("write", LAYOUTS[:3])
def test_defects_and_masks(tmp_path: pathlib.Path, write: Writer) -> None:
    loaded = data.load_object(write(tmp_path / "a"))
    assert loaded.warnings == ()
    types = [view.defect_type for view in loaded.test]
    assert sorted(types) == ["Burrs"] * 2 + ["Missing"] * 2 + [data.GOOD] * 2
    for view in loaded.test:
        assert view.mask is not None
        expected = datasets.defect_mask() > 0
        if view.defect_type == data.GOOD:
            expected = np.zeros_like(expected)
        np.testing.assert_array_equal(view.mask, expected)


def test_rad_has_two_focal_lengths(tmp_path: pathlib.Path) -> None:
    camera = data.load_object(datasets.write_rad(tmp_path / "a")).intrinsics
    assert float(camera.fx) == pytest.approx(10 / np.tan(0.35), rel=1e-6)
    assert float(camera.fy) == pytest.approx(6 / np.tan(0.175), rel=1e-6)


def test_nerf_keeps_alpha_and_lists_photographs_only(tmp_path: pathlib.Path) -> None:
    loaded = data.load_object(datasets.write_nerf(tmp_path / "a"))
    assert [view.name for view in loaded.test] == [
        f"test/r_{i}.png" for i in range(datasets.VIEWS)
    ]
    for view in (*loaded.train, *loaded.test):
        assert view.alpha is not None
        assert set(np.unique(view.alpha)) == {0.0, 1.0}
        assert not view.image[view.alpha == 0].any()


def test_opaque_alpha_says_nothing(mad: pathlib.Path) -> None:
    for path in mad.glob("train/good/*.png"):
        index = int(path.stem)
        pixels = np.dstack([datasets.picture(index), np.full((12, 20), 255, np.uint8)])
        datasets.save(path, pixels)
    loaded = data.load_object(mad)
    assert all(view.alpha is None for view in loaded.train)
    assert loaded.background == (1.0, 1.0, 1.0)


def test_clear_training_images_and_opaque_queries(tmp_path: pathlib.Path) -> None:
    root = datasets.write_nerf(tmp_path / "a")
    for path in root.glob("test/r_*[0-9].png"):
        pixels = datasets.picture(3)
        pixels[pixels == 255] = 204
        datasets.save(path, pixels)
    loaded = data.load_object(root)
    assert loaded.background == (1.0, 1.0, 1.0)
    assert all(view.alpha is not None for view in loaded.train)
    assert all(view.alpha is None for view in loaded.test)


@pytest.mark.parametrize("write", LAYOUTS)
def test_loading_never_opens_test_poses(tmp_path: pathlib.Path, write: Writer) -> None:
    root = write(tmp_path / "a")
    for name in ("test_poses.json", "transforms_test.json"):
        (root / name).write_bytes(b"\xff\xfe garbage")
    assert data.load_object(root).test
    (root / "test_poses.json").unlink()
    (root / "transforms_test.json").unlink()
    assert data.load_object(root).test


@pytest.mark.parametrize("write", LAYOUTS)
def test_test_poses(tmp_path: pathlib.Path, write: Writer) -> None:
    root = write(tmp_path / "a")
    found = data.read_test_poses(root)
    assert found is not None
    assert set(found) == {view.name for view in data.load_object(root).test}
    # The generator numbers the test poses from 30 on, in the order of its names.
    for index, pose in enumerate(found.values()):
        assert pose.dtype == np.float64
        expected = poses.opencv_from_blender(datasets.blender_pose(30 + index))
        np.testing.assert_allclose(pose, expected, atol=1e-6)


def test_no_test_poses(mad: pathlib.Path) -> None:
    faults.removed("test_poses.json")(mad)
    assert data.read_test_poses(mad) is None


@pytest.mark.parametrize(
    ("size", "width", "height"), [(None, 20, 12), (20, 20, 12), (10, 10, 6), (7, 7, 4)]
)
def test_size(tmp_path: pathlib.Path, size: int, width: int, height: int) -> None:
    for write in (datasets.write_rad, datasets.write_nerf):
        root = write(tmp_path / write.__name__)
        full, small = data.load_object(root), data.load_object(root, size=size)
        for large, view in zip(
            (*full.train, *full.test), (*small.train, *small.test), strict=True
        ):
            expected = images.resize_area(large.image, width, height)
            np.testing.assert_allclose(view.image, expected, atol=1e-6)
            for plane in (view.alpha, view.mask):
                assert plane is None or plane.shape == (height, width)
        for camera in (small.intrinsics, small.train[0].camera):
            assert camera is not None
            assert (camera.width, camera.height) == (width, height)
            full_fx, full_cy = float(full.intrinsics.fx), float(full.intrinsics.cy)
            assert float(camera.fx) == pytest.approx(full_fx * width / 20, rel=1e-6)
            assert float(camera.cy) == pytest.approx(full_cy * height / 12, rel=1e-6)


def test_images_are_never_enlarged(mad: pathlib.Path) -> None:
    assert data.load_object(mad, size=999).intrinsics.width == 20


@pytest.mark.parametrize("size", [0, -3])
def test_size_must_be_positive(mad: pathlib.Path, size: int) -> None:
    with pytest.raises(ConfigError, match="size"):
        data.load_object(mad, size=size)


def test_one_by_one_images(tmp_path: pathlib.Path) -> None:
    root = datasets.write_mad(tmp_path / "a")
    for path in root.rglob("*.png"):
        datasets.save(path, np.full((1, 1, 3), 200, np.uint8))
    loaded = data.load_object(root)
    assert loaded.train[0].image.shape == (1, 1, 3)
    assert loaded.background == pytest.approx((200 / 255,) * 3, abs=1e-4)
    assert not loaded.background_is_plain


def test_relative_path_with_trailing_slash(
    mad: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mad)
    for path in (".", "./", "../01Brick/"):
        loaded = data.load_object(path)
        assert loaded.name == "01Brick"
        assert loaded.train[0].name == "train/good/0.png"
