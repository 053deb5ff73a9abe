"""LLFF's poses_bounds.npy."""

import pathlib
import pickle

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.errors import DataError
from tests.helpers import datasets


def test_rows_meet_images_in_plain_order(tmp_path: pathlib.Path) -> None:
    loaded = data.load_object(datasets.write_llff(tmp_path))
    names = [pathlib.PurePosixPath(view.name).name for view in loaded.train]
    assert names[:4] == ["0.png", "1.png", "10.png", "11.png"]
    for row, view in enumerate(loaded.train):
        assert view.camera is not None
        np.testing.assert_allclose(
            view.camera.camera_from_world, datasets.camera_from_world(row), atol=1e-6
        )
        assert view.image[6, 10, 0] == pytest.approx(10 * row / 255)
    camera = loaded.intrinsics
    assert [float(x) for x in (camera.fx, camera.fy, camera.cx)] == [28, 28, 10]
    assert loaded.warnings == ("there are no test images",)


def test_the_lens_is_scaled_to_reduced_images(tmp_path: pathlib.Path) -> None:
    root = datasets.write_tests(
        datasets.write_llff(tmp_path, images="images_4", scale=4)
    )
    loaded = data.load_object(root)
    assert float(loaded.intrinsics.fx) == 28
    assert loaded.warnings == (
        "the lens is stated for images of 80x48 pixels and scaled to their 20x12",
    )
    assert [view.defect_type for view in loaded.test] == ["Burrs", "good"]


def test_test_poses(tmp_path: pathlib.Path) -> None:
    root = datasets.write_tests(datasets.write_llff(tmp_path))
    assert data.read_test_poses(root) is None
    np.save(root / "test_poses_bounds.npy", datasets.llff_rows(2, first=30))
    found = data.read_test_poses(root)
    assert found is not None
    assert list(found) == [view.name for view in data.load_object(root).test]
    for index, pose in enumerate(found.values(), start=30):
        np.testing.assert_allclose(pose, datasets.camera_from_world(index), atol=1e-6)
    np.save(root / "test_poses_bounds.npy", datasets.llff_rows(3))
    with pytest.raises(DataError, match="found 3 rows, expected 2"):
        data.read_test_poses(root)


def _rows(**changes: float) -> np.ndarray:
    rows = datasets.llff_rows(12)
    for place, value in changes.items():
        rows[3, int(place[1:])] = value
    return rows


BROKEN = [
    (
        _rows()[:11],
        "found 11 rows, expected 12, one for each PNG or JPEG image in .*images",
    ),
    (_rows()[:, :15], r"shape \(12, 15\), expected \[n, 17\]"),
    (_rows().astype(str), "found numbers of <U"),
    (_rows().astype(object), "is not a NumPy array"),
    (_rows(c2=np.nan), "row 3: found numbers that are not finite"),
    (_rows(c14=0), "row 3: found height 12, width 20, focal length 0"),
    (_rows(c0=9), "row 3: found axes that are"),
]


@pytest.mark.parametrize(("rows", "message"), BROKEN)
def test_broken(tmp_path: pathlib.Path, rows: np.ndarray, message: str) -> None:
    root = datasets.write_llff(tmp_path)
    np.save(root / "poses_bounds.npy", rows, allow_pickle=True)
    with pytest.raises(DataError, match=message) as caught:
        data.load_object(root)
    assert str(root / "poses_bounds.npy") in str(caught.value)


def test_what_is_no_array(tmp_path: pathlib.Path) -> None:
    root = datasets.write_llff(tmp_path)
    file = root / "poses_bounds.npy"
    whole = file.read_bytes()
    lying = whole.replace(b"(12, 17)", b"(99999999, 17)"[:14]).replace(
        b"      \n", b"\n"
    )
    # One that Python's tokenizer, which NumPy asks, does not get through.
    open_ended = whole[:11] + whole
    damaged = (b"", b"hello", whole[:60], whole[:-8], pickle.dumps([1]), lying)
    for content in (*damaged, open_ended):
        file.write_bytes(content)
        with pytest.raises(DataError, match="poses_bounds.npy: "):
            data.load_object(root)


def test_a_colmap_model_beside_it_comes_first(tmp_path: pathlib.Path) -> None:
    datasets.write_llff(tmp_path, views=4)
    loaded = data.load_object(datasets.write_colmap(tmp_path))
    assert float(loaded.intrinsics.fy) == 29
