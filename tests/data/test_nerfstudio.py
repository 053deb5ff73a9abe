"""transforms.json as nerfstudio, instant-ngp and what exports for them write it."""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data import images, poses
from jaxsplat.errors import DataError
from tests.helpers import datasets, faults

FOCAL = (28.0, 28.5, 27.5, 28.25)


@pytest.fixture
def studio(tmp_path: pathlib.Path) -> pathlib.Path:
    """Returns an object whose frames have slightly different lenses, without tests."""
    names = [f"images/frame_{i:05}.png" for i in range(4)]
    frames: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        datasets.save(tmp_path / name, datasets.picture(i))
        frames.append(
            {
                "file_path": f"./{name}",
                "transform_matrix": datasets.blender_pose(i).tolist(),
                **{"fl_x": FOCAL[i], "fl_y": FOCAL[i] + 1, "cx": 10 + i / 8, "cy": 6},
                **{"w": 20, "h": 12, "k1": 0, "camera_model": "OPENCV"},
                **{"sharpness": 31.5, "depth_file_path": f"depth/{i}.png"},
            }
        )
    content = {
        "aabb_scale": 16,
        "applied_scale": 0.5,
        "applied_transform": [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0]],
        "ply_file_path": "sparse_pc.ply",
        "train_filenames": names[:3],
        "test_filenames": names[3:],
        "frames": frames,
    }
    (tmp_path / "transforms.json").write_text(json.dumps(content))
    return tmp_path


def test_every_view_keeps_its_lens_and_pose(studio: pathlib.Path) -> None:
    loaded = data.load_object(studio)
    for i, view in enumerate(loaded.train):
        camera = view.camera
        assert camera is not None
        found = [float(x) for x in (camera.fx, camera.fy, camera.cx, camera.cy)]
        assert found == [FOCAL[i], FOCAL[i] + 1, 10 + i / 8, 6]
        # applied_transform and applied_scale are in the poses already.
        expected = poses.opencv_from_blender(datasets.blender_pose(i))
        np.testing.assert_allclose(camera.camera_from_world, expected, atol=1e-6)
    median = loaded.intrinsics
    assert float(median.fx) == pytest.approx(28.125)
    assert float(median.cx) == pytest.approx(10.1875)
    assert loaded.test == ()


def test_every_lens_is_reduced_with_its_image(studio: pathlib.Path) -> None:
    for i, view in enumerate(data.load_object(studio, size=10).train):
        assert view.camera is not None
        assert float(view.camera.fx) == FOCAL[i] / 2
        assert (view.camera.width, view.camera.height) == (10, 6)


def test_a_field_of_view_in_every_frame(studio: pathlib.Path) -> None:
    content = json.loads((studio / "transforms.json").read_text())
    for i, frame in enumerate(content["frames"]):
        for key in ("fl_x", "fl_y", "w", "h"):
            frame.pop(key)
        frame["camera_angle_x"] = 2 * np.arctan(10 / FOCAL[i])
    (studio / "transforms.json").write_text(json.dumps(content))
    for i, view in enumerate(data.load_object(studio).train):
        assert view.camera is not None
        assert float(view.camera.fx) == pytest.approx(FOCAL[i])
        assert float(view.camera.fy) == pytest.approx(FOCAL[i])


@pytest.mark.parametrize(
    "written",
    [
        "./images/frame_00000",
        "images/frame_00000",
        "frame_00000.png",
        "/home/me/scan/images/frame_00000.png",
        "C:\\Users\\me\\scan\\images\\frame_00000.png",
        "\\\\server\\scan\\images\\frame_00000.png",
        "../../data/scan/images/frame_00000.png",
        "..\\images\\frame_00000",
    ],
)
def test_names_as_other_computers_write_them(
    studio: pathlib.Path, written: str
) -> None:
    faults.frame(0, file_path=written)(studio)
    assert data.load_object(studio).train[0].name == "images/frame_00000.png"


def test_the_longest_end_counts(studio: pathlib.Path) -> None:
    datasets.save(studio / "b/images/frame_00000.png", datasets.picture(7))
    faults.frame(0, file_path="/a/b/images/frame_00000.png")(studio)
    loaded = data.load_object(studio)
    assert loaded.train[0].name == "b/images/frame_00000.png"
    assert any("/a/b/images" in text for text in loaded.warnings)


def test_nothing_outside_is_opened(studio: pathlib.Path) -> None:
    outside = studio.parent / f"{studio.name}_outside.png"
    datasets.save(outside, datasets.picture(5))
    for written in (str(outside), f"../{outside.name}"):
        faults.frame(1, file_path=written)(studio)
        with pytest.raises(DataError, match=r"frames\[1\].file_path: found .*outside"):
            data.load_object(studio)


def test_an_image_that_is_missing_is_named_with_its_frame(
    studio: pathlib.Path,
) -> None:
    faults.removed("images/frame_00002.png")(studio)
    with pytest.raises(DataError, match=r"frames\[2\].file_path: found './images/f"):
        data.load_object(studio)


@pytest.mark.parametrize("scale", [0.25, 3, 250])
def test_a_scale_of_all_rotations_is_divided_out(
    studio: pathlib.Path, scale: float
) -> None:
    content = json.loads((studio / "transforms.json").read_text())
    for frame in content["frames"]:
        pose = np.array(frame["transform_matrix"])
        pose[:3, :3] *= scale
        frame["transform_matrix"] = pose.tolist()
    expected = data.load_object(studio)
    (studio / "transforms.json").write_text(json.dumps(content))
    loaded = data.load_object(studio)
    (text,) = [text for text in loaded.warnings if "scaled" in text]
    assert f"scaled by {scale:g}, which is divided out" in text
    for one, other in zip(loaded.train, expected.train, strict=True):
        assert one.camera is not None and other.camera is not None
        np.testing.assert_allclose(
            one.camera.camera_from_world, other.camera.camera_from_world, atol=1e-6
        )


@pytest.mark.parametrize(("scale", "size"), [(2, None), (0.5, None), (2, 20), (4, 10)])
def test_queries_keep_their_size(
    studio: pathlib.Path, scale: float, size: int | None
) -> None:
    width, height = round(20 * scale), round(12 * scale)
    pixels = datasets.picture(9, width=width, height=height)
    mask = datasets.defect_mask(width, height)
    datasets.save(studio / "test/Burrs/0.png", pixels)
    datasets.save(studio / "ground_truth/Burrs/0.png", mask)
    datasets.save(studio / "test/good/0.png", pixels)
    loaded = data.load_object(studio, size=size)
    out = (height, width) if size is None else (size * 12 // 20, size)
    for view in loaded.test:
        assert view.image.shape[:2] == out
        assert view.mask is not None and view.mask.shape == out
        assert view.camera is None and view.intrinsics is None
        expected = images.resize_area((pixels / 255).astype(np.float32), *out[::-1])
        np.testing.assert_allclose(view.image, expected, atol=1e-6)
    assert loaded.test[0].mask is not None and loaded.test[1].mask is not None
    assert loaded.test[0].mask.mean() == pytest.approx((mask > 0).mean(), abs=0.05)
    assert not loaded.test[1].mask.any()
    assert {view.image.shape for view in loaded.train} == {
        (12, 20, 3) if size != 10 else (6, 10, 3)
    }


def test_a_query_of_another_shape_is_kept_as_it_is(studio: pathlib.Path) -> None:
    pixels = datasets.picture(9, width=12, height=20)
    datasets.save(studio / "test/good/0.png", pixels)
    loaded = data.load_object(studio)
    (view,) = loaded.test
    np.testing.assert_allclose(view.image, pixels / 255, atol=1e-6)
    assert view.intrinsics is None
    assert any("another ratio of sides" in text for text in loaded.warnings)


def test_the_digest_covers_the_lenses_of_frames(studio: pathlib.Path) -> None:
    before = data.load_object(studio).train_digest
    faults.frame(2, fl_x=27.75)(studio)
    assert data.load_object(studio).train_digest != before
