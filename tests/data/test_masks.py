"""Mask files of the object become the foreground of the views."""

import pathlib

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data import images
from jaxsplat.errors import DataError
from tests.helpers import datasets, faults

OBJECT = np.zeros((12, 20), np.uint8)
OBJECT[3:9, 5:15] = 255


def _masks(root: pathlib.Path, pattern: str, pixels: np.ndarray = OBJECT) -> None:
    for i in range(datasets.VIEWS):
        datasets.save(root / pattern.format(i), pixels)


@pytest.mark.parametrize(
    "pattern",
    [
        "masks/{}.png",
        "masks/{}.png.png",
        "masks/{}_mask.png",
        "masks/{}.mask.png",
        "masks/{}.PNG",
        "masks/train/good/{}.png",
        "masks/good/{}.png",
        "train/masks/{}.png",
    ],
)
def test_where_masks_may_stand(mad: pathlib.Path, pattern: str) -> None:
    _masks(mad, pattern)
    loaded = data.load_object(mad)
    assert loaded.warnings == ()
    for view in loaded.train:
        assert view.foreground is not None
        assert view.foreground.dtype == np.float32
        np.testing.assert_array_equal(view.foreground, OBJECT / 255)
    assert all(view.foreground is None for view in loaded.test)


def test_masks_of_colmap_and_llff(tmp_path: pathlib.Path) -> None:
    for name, write in (("a", datasets.write_colmap), ("b", datasets.write_llff)):
        root = write(tmp_path / name, views=4)
        _masks(root, "masks/{}.png.png")
        for view in data.load_object(root).train:
            assert view.foreground is not None


def test_mask_path(mad: pathlib.Path) -> None:
    _masks(mad, "segmented/m{}.png")
    for i in range(datasets.VIEWS):
        faults.frame(i, mask_path=f"./segmented/m{i}")(mad)
    loaded = data.load_object(mad)
    assert all(view.foreground is not None for view in loaded.train)
    faults.frame(2, mask_path="segmented/none.png")(mad)
    with pytest.raises(DataError, match=r"frames\[2\].mask_path: found .*no such file"):
        data.load_object(mad)


def test_masks_of_queries_stand_under_their_whole_name(mad: pathlib.Path) -> None:
    _masks(mad, "masks/{}.png")
    datasets.save(mad / "masks/test/good/1.png", 255 - OBJECT)
    found = {view.name: view.foreground for view in data.load_object(mad).test}
    seen = found.pop("test/good/1.png")
    assert seen is not None
    np.testing.assert_array_equal(seen, 1 - OBJECT / 255)
    assert set(map(type, found.values())) == {type(None)}


@pytest.mark.parametrize("size", [10, 7])
def test_coverage_is_reduced_by_area(mad: pathlib.Path, size: int) -> None:
    _masks(mad, "masks/{}.png")
    view = data.load_object(mad, size=size).train[0]
    height, width = view.image.shape[:2]
    expected = images.resize_area((OBJECT / 255).astype(np.float32), width, height)
    assert view.foreground is not None
    np.testing.assert_allclose(view.foreground, expected, atol=1e-6)
    assert 0 < view.foreground[height // 4, width // 4] < 1 or size == 10


KINDS = {
    "0 and 1": OBJECT // 255,
    "parts by number": np.where(OBJECT > 0, np.arange(20) % 3 + 1, 0).astype(np.uint8),
    "colour": np.dstack([OBJECT // 2, OBJECT * 0, OBJECT]),
    "alpha": np.dstack([np.full((12, 20, 3), 255, np.uint8), OBJECT]),
    "16 bit": OBJECT.astype(np.uint16) * 3,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_zero_is_object(tmp_path: pathlib.Path, kind: str) -> None:
    path = tmp_path / "m.png"
    datasets.save(path, KINDS[kind])
    np.testing.assert_array_equal(images.read_coverage(path)[0], OBJECT / 255)


def test_a_jpeg_is_cut_at_half_and_soft_levels_stay(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "m.jpg"
    datasets.save(path, OBJECT.repeat(8, 0).repeat(8, 1), quality=60)
    found = images.read_coverage(path)[0][4::8, 4::8]
    np.testing.assert_array_equal(found, OBJECT / 255)
    soft = np.tile(np.arange(20, dtype=np.uint8) * 13, (12, 1))
    datasets.save(tmp_path / "s.png", soft)
    found = images.read_coverage(tmp_path / "s.png")[0]
    np.testing.assert_allclose(found, soft / 255, atol=1e-6)


REMARKED = [
    (faults.removed("masks/2.png"), "has no mask: train/good/2.png"),
    (faults.image("masks/2.png", 0 * OBJECT), "marks nothing: train/good/2.png"),
    (faults.image("masks/2.png", 0 * OBJECT + 255), "marks all of it: train/good/2"),
    (lambda root: _masks(root, "masks/{}.png", 255 - OBJECT), "black on the object"),
]


@pytest.mark.parametrize(("fault", "remark"), REMARKED)
def test_remarked(mad: pathlib.Path, fault: faults.Break, remark: str) -> None:
    _masks(mad, "masks/{}.png")
    fault(mad)
    (text,) = data.load_object(mad).warnings
    assert remark in text


def test_a_folder_of_other_masks_is_remarked(mad: pathlib.Path) -> None:
    datasets.save(mad / "masks/other.png", OBJECT)
    (text,) = data.load_object(mad).warnings
    assert text == "masks/ holds no mask of a training image, such as masks/0.png"


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        (
            "masks/train/0.png",
            "masks/ holds no mask of a training image, such as masks",
        ),
        ("mask/0.png", "mask/ holds no mask of a training image, such as masks/0.png"),
        (
            "masks/0.webp",
            "neither PNG nor JPEG is left out; save it as PNG: masks/0.we",
        ),
    ],
)
def test_masks_that_are_not_found_are_remarked(
    mad: pathlib.Path, name: str, remark: str
) -> None:
    datasets.save(mad / name, OBJECT)
    (text,) = data.load_object(mad).warnings
    assert remark in text


def test_refused(mad: pathlib.Path) -> None:
    _masks(mad, "masks/{}.png")
    datasets.save(mad / "masks/2.png", OBJECT[:6])
    with pytest.raises(DataError, match="masks/2.png has 20x6 pixels, but its image"):
        data.load_object(mad)
    datasets.save(mad / "masks/2.png", OBJECT)
    faults.renamed("train/good/3.png", "train/good/a/0.png")(mad)
    faults.frame(3, file_path="train/good/a/0.png")(mad)
    with pytest.raises(DataError, match="masks/0.png: is the mask of .* and of"):
        data.load_object(mad)


def test_a_link_out_of_the_folder_is_not_followed(
    mad: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    datasets.save(tmp_path / "outside.png", OBJECT)
    (mad / "masks").mkdir()
    (mad / "masks/0.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(DataError, match="outside this folder"):
        data.load_object(mad)


def test_the_digest_covers_masks(mad: pathlib.Path) -> None:
    digests = {data.load_object(mad).train_digest}
    _masks(mad, "masks/{}.png")
    digests.add(data.load_object(mad).train_digest)
    datasets.save(mad / "masks/3.png", OBJECT // 255)
    digests.add(data.load_object(mad).train_digest)
    datasets.save(mad / "masks/test/good/0.png", OBJECT)
    digests.add(data.load_object(mad).train_digest)
    assert len(digests) == 3
