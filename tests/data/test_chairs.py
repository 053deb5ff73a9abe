"""BrokenChairs' folder is read whole, and what is wrong in it is told by name."""

import json
import pathlib

import numpy as np
import pytest

from jaxsplat.data import chairs, images, mattes
from jaxsplat.errors import DataError
from tests.helpers import chairs as made


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return made.write_folder(tmp_path_factory.mktemp("chairs"))


def test_everything_is_there(folder) -> None:
    found = chairs.read_chairs(folder)
    assert list(found.shapes) == ["1", "2"]
    assert found.splits == {"train": ("1",), "val": (), "test": ("2",)}
    shape = found.shapes["1"]
    assert shape.mesh == folder / "shapes" / "shape_1" / "mesh.ply"
    # Azimuth 360 repeats azimuth 0.
    assert len(shape.references) == 8
    assert len(found.queries) == 16 and len(found.of_split("test")) == 8
    kinds = [query.kind for query in found.of_split("train")]
    assert sorted(kinds) == ["missing"] * 4 + ["normal"] * 4
    for query in found.queries:
        assert query.is_anomalous == ("anomaly" in query.image.name)
        assert bool(query.masks) == (query.box is not None) == query.is_anomalous


def test_boxes_are_those_of_the_masks(folder) -> None:
    for query in chairs.read_chairs(folder).queries:
        if query.box is not None:
            mask = images.read_mask(query.masks[0])
            rows, columns = np.nonzero(mask)
            ends = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            np.testing.assert_allclose(query.box, np.array(ends) / made.SIDE)


def test_cameras_are_opencvs(folder) -> None:
    mesh = made.chair()
    for reference in chairs.read_chairs(folder).shapes["2"].references[:3]:
        camera = reference.camera
        points = np.c_[mesh.vertices, np.ones(len(mesh.vertices))]
        x, y, z, _ = np.asarray(camera.camera_from_world, float) @ points.T
        assert (z > 0).all()
        shown = images.read_image(reference.image)[0].min(axis=2) < 0.9
        rows, columns = np.nonzero(shown)
        u, v = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
        found = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        np.testing.assert_allclose(found, [u.min(), u.max(), v.min(), v.max()], atol=1)


def test_what_is_optional_may_be_absent(folder, tmp_path) -> None:
    root = made.write_folder(tmp_path / "bare", azimuths=(20,))
    (root / "split.json").unlink()
    for path in (root / "annotations").rglob("*"):
        if path.is_file():
            path.unlink()
    (root / "shapes/shape_1/mesh.ply").unlink()
    found = chairs.read_chairs(root)
    assert [query.kind for query in found.queries] == ["unknown", "normal"] * 2
    assert found.splits == {} and found.shapes["1"].mesh is None
    with pytest.raises(DataError, match="expected train too"):
        found.of_split("train")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("split.json", '{"train": [1]}', "expected a list of shapes' names"),
        ("shapes/shape_1/mv_images/1_3.0_0_20.json", "{}", "K: found nothing"),
        ("images/1/render_odd.png", "", "expected render_<shape>_"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, file, text, said) -> None:
    root = made.write_folder(tmp_path, azimuths=(20,))
    (root / file).write_text(text)
    with pytest.raises(DataError, match=said):
        chairs.read_chairs(root)


def test_a_wrong_box_and_an_empty_folder_are_told(tmp_path) -> None:
    with pytest.raises(DataError):
        chairs.read_chairs(tmp_path)
    root = made.write_folder(tmp_path / "boxes", azimuths=(20,))
    note = next((root / "annotations").rglob("*.json"))
    note.write_text(json.dumps({"2d_bbox": [1, 2, 3]}))
    with pytest.raises(DataError, match=r"2d_bbox: found .* expected \[x, y, width"):
        chairs.read_chairs(root)


def test_a_matte_is_half_where_a_pixel_is_half_covered() -> None:
    truth = np.zeros((64, 64), np.float32)
    truth[16:48, 16:40] = 1
    truth[16:48, 40] = 0.5
    colors = np.random.default_rng(0).uniform(0.2, 0.6, (64, 64, 3))
    colors[:, 36:] = (0.6, 0.5, 0.4)
    image = (truth[..., None] * colors + 1 - truth[..., None]).astype(np.float32)
    matte = mattes.matte(image)
    np.testing.assert_allclose(matte[17:47, 17:41], truth[17:47, 17:41], atol=0.01)
    assert not matte[truth == 0].any()
    assert (mattes.threshold_mask(image) == (truth > 0)).all()
