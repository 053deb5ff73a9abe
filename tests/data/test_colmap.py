"""COLMAP's models, as text and as binary."""

import pathlib
import re
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxsplat import data
from jaxsplat.data import colmap_binary
from jaxsplat.errors import DataError
from tests.helpers import datasets, faults
from tests.helpers.datasets import ColmapCamera

Break = Callable[[pathlib.Path], object]


def _fx(view: data.View) -> float:
    assert view.camera is not None
    return float(view.camera.fx)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(
    "folder", ["sparse/0", "sparse", "colmap/sparse/0", "colmap/sparse", "colmap", "."]
)
def test_poses_and_lens(tmp_path: pathlib.Path, binary: bool, folder: str) -> None:
    loaded = data.load_object(
        datasets.write_colmap(tmp_path, binary=binary, folder=folder)
    )
    assert loaded.warnings == ("there are no test images",)
    names = [f"images/{i}.png" for i in range(datasets.VIEWS)]
    assert [view.name for view in loaded.train] == names
    for index, view in enumerate(loaded.train):
        assert view.camera is not None
        np.testing.assert_allclose(
            view.camera.camera_from_world,
            datasets.camera_from_world(index),
            atol=1e-6,
        )
    for camera in (loaded.intrinsics, loaded.train[0].camera):
        assert camera is not None
        found = [float(x) for x in (camera.fx, camera.fy, camera.cx, camera.cy)]
        # COLMAP has the corner of the first pixel at 0, as we do.
        assert found == [28.0, 29.0, 10.5, 5.5]


@pytest.mark.parametrize("binary", [False, True])
def test_several_cameras(tmp_path: pathlib.Path, binary: bool) -> None:
    cameras = (
        ColmapCamera("SIMPLE_PINHOLE", values=(28.0, 10.0, 6.0)),
        ColmapCamera("PINHOLE", 40, 24, (54.0, 52.0, 20.0, 12.0)),
    )
    root = datasets.write_colmap(tmp_path, binary=binary, views=4, cameras=cameras)
    loaded = data.load_object(root)
    assert [_fx(view) for view in loaded.train] == [28, 27, 28, 27]
    assert {view.image.shape for view in loaded.train} == {(12, 20, 3)}
    assert float(loaded.intrinsics.fx) == 27.5
    assert any("different lenses" in text for text in loaded.warnings)
    assert any("brought to 20x12" in text for text in loaded.warnings)


@pytest.mark.parametrize("images", ["images", "images_4", "train/good", "train"])
def test_queries_are_those_of_mad(tmp_path: pathlib.Path, images: str) -> None:
    root = datasets.write_tests(datasets.write_colmap(tmp_path, images=images))
    loaded = data.load_object(root)
    assert loaded.warnings == ()
    assert [view.name for view in loaded.test] == [
        "test/Burrs/0.png",
        "test/good/0.png",
    ]
    assert loaded.test[0].mask is not None
    np.testing.assert_array_equal(loaded.test[0].mask, datasets.defect_mask() > 0)


def test_photographs_without_pose_are_left_out(tmp_path: pathlib.Path) -> None:
    root = datasets.write_colmap(tmp_path)
    datasets.save(root / "images/20.png", datasets.picture(20))
    loaded = data.load_object(root)
    assert len(loaded.train) == datasets.VIEWS
    assert loaded.warnings[0] == (
        "a training image has no pose and is left out: images/20.png"
    )


def test_a_data_folder_of_models(tmp_path: pathlib.Path) -> None:
    datasets.write_colmap(tmp_path / "b")
    datasets.write_llff(tmp_path / "a")
    assert data.list_categories(tmp_path) == ("a", "b")


DISTORTED = {
    "SIMPLE_RADIAL": ((28, 10, 6, 0.1), (0.1, 0, 0, 0)),
    "RADIAL": ((28, 10, 6, 0.1, 0.02), (0.1, 0.02, 0, 0)),
    "OPENCV": ((28, 29, 10, 6, 0.1, 0.02, 0.003, -0.004), (0.1, 0.02, 0.003, -0.004)),
    "FULL_OPENCV": (
        (28, 29, 10, 6, 0.1, 0.02, 0.003, -0.004, 0.01, 0.2, 0.03, 0.04),
        (0.1, 0.02, 0.003, -0.004, 0.01, 0.2, 0.03, 0.04),
    ),
}


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("model", DISTORTED)
def test_distortion(tmp_path: pathlib.Path, model: str, binary: bool) -> None:
    values, expected = DISTORTED[model]
    cameras = (ColmapCamera(model, values=tuple(map(float, values))),)
    loaded = data.load_object(
        datasets.write_colmap(tmp_path, cameras=cameras, binary=binary)
    )
    assert loaded.lens is not None
    assert loaded.lens.distortion == expected + (0,) * (8 - len(expected))
    # The pinhole does not see what the photograph does.
    assert _fx(loaded.train[0]) != 28


@pytest.mark.parametrize("binary", [False, True])
def test_fisheye_is_refused_by_name(tmp_path: pathlib.Path, binary: bool) -> None:
    fisheye = ColmapCamera("OPENCV_FISHEYE", values=(28.0, 28.0, 10.0, 6.0, *[0.1] * 4))
    root = datasets.write_colmap(tmp_path, cameras=(fisheye,), binary=binary)
    with pytest.raises(DataError, match="OPENCV_FISHEYE, .*colmap image_undistorter"):
        data.load_object(root)


def _replace(name: str, old: str, new: str) -> Break:
    def apply(root: pathlib.Path) -> None:
        path = root / "sparse/0" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return apply


TEXT = [
    (_replace("cameras.txt", "PINHOLE 20", "PINHOLE x"), "cameras.txt: line 3: found"),
    (_replace("cameras.txt", " 5.5", ""), "line 3: parameters: found 3, expected 4"),
    (_replace("cameras.txt", "28.0", "nan"), "line 3: found .* finite"),
    (_replace("cameras.txt", "28.0", "-1"), "focal length: found -1"),
    (_replace("cameras.txt", "20 12", "99 12"), "line 3: w: found 99, expected 20"),
    (_replace("cameras.txt", "10.5", "30"), "line 3: cx: found 30, expected a point"),
    (_replace("images.txt", " 1 0.png", " 7 0.png"), "found camera 7, expected one of"),
    (_replace("images.txt", "0.png\n\n", "0.png\n"), "line 4: .* may be empty"),
    (_replace("images.txt", "0.png", "a/0.png"), "line 3: found 'a/0.png', but"),
    (_replace("images.txt", "0.png", "../../0.jpg"), "line 3: found '../../0.jpg', wh"),
    (_replace("images.txt", "1 0.", "1 9."), "line 3: found a quaternion of length 9"),
    (faults.removed("images/2.png"), "line 7: found '2.png', but there is no such"),
    (faults.content("sparse/0/images.txt", b"\xe9"), "byte 0 is not UTF-8"),
    (faults.content("sparse/0/images.txt", b""), "images.txt: found 0 images"),
]


@pytest.mark.parametrize(("fault", "message"), TEXT)
def test_broken_text(tmp_path: pathlib.Path, fault: Break, message: str) -> None:
    root = datasets.write_colmap(tmp_path)
    fault(root)
    with pytest.raises(DataError, match=message) as caught:
        data.load_object(root)
    assert str(root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_photographs_with_spaces_in_their_names_are_no_points(
    tmp_path: pathlib.Path,
) -> None:
    """Without the lines of points, every second photograph would be taken for one."""
    root = datasets.write_colmap(tmp_path)
    path = root / "sparse/0/images.txt"
    lines = [line for line in path.read_text().split("\n") if line.endswith(".png")]
    path.write_text(re.sub(r"(\d+.png)", r"my photo \1", "\n".join(lines)))
    with pytest.raises(DataError, match="line 2: .* expected the line of image points"):
        data.load_object(root)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
def test_every_cut_of_a_binary_file_is_found(tmp_path: pathlib.Path, name: str) -> None:
    content = (
        datasets.write_colmap(tmp_path, binary=True, views=4) / "sparse/0" / name
    ).read_bytes()
    reader = getattr(colmap_binary, f"read_{name.split('.')[0]}")
    assert len(reader(content, name)) == (1 if name == "cameras.bin" else 4)
    for end in range(len(content)):
        with pytest.raises(DataError, match=f"{name}: ends at byte {end} within"):
            reader(content[:end], name)
    with pytest.raises(DataError, match=f"{name}: found 3 bytes after the last"):
        reader(content + b"123", name)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_damage_is_a_data_error_or_other_numbers(
    tmp_path: pathlib.Path, at: int, byte: int
) -> None:
    folder = tmp_path / "sparse/0"
    if not folder.exists():
        datasets.write_colmap(tmp_path, binary=True, views=4)
    for name in ("cameras", "images"):
        content = bytearray((folder / f"{name}.bin").read_bytes())
        content[at % len(content)] = byte
        try:
            getattr(colmap_binary, f"read_{name}")(bytes(content), "x.bin")
        except DataError as error:
            assert str(error).startswith("x.bin: ")


def test_a_count_that_lies_allocates_nothing() -> None:
    with pytest.raises(DataError, match="ends at byte 8 within"):
        colmap_binary.read_images(struct.pack("<Q", 2**63), "images.bin")
    with pytest.raises(DataError, match="number 99, expected 0 to"):
        colmap_binary.read_cameras(
            struct.pack("<QiiQQ", 1, 1, 99, 4, 4) + b"\0" * 64, "cameras.bin"
        )


@pytest.mark.parametrize("binary", [False, True])
def test_the_digest_covers_poses_and_lens(tmp_path: pathlib.Path, binary: bool) -> None:
    def digest(name: str, **options: object) -> str:
        root = datasets.write_colmap(tmp_path / name, binary=binary, **options)
        return data.load_object(root).train_digest

    first = digest("a")
    assert digest("b") == first
    other = ColmapCamera(values=(28.5, 29.0, 10.5, 5.5))
    assert digest("c", cameras=(other,)) != first
