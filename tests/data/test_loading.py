"""Categories by name, the bundled sample, and the data beside the checkout."""

import pathlib
import time

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.errors import ConfigError, DataError
from tests.helpers import datasets


@pytest.fixture
def several(tmp_path: pathlib.Path) -> pathlib.Path:
    """Returns a data folder with twelve objects, and things that are none."""
    for i in range(1, 12):
        datasets.write_mad(tmp_path / f"{i:02}Brick")
    datasets.write_nerf(tmp_path / "chair")
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.txt").write_text("hello")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_list_categories(several: pathlib.Path) -> None:
    names = data.list_categories(several)
    assert names == (*(f"{i:02}Brick" for i in range(1, 12)), "chair")
    assert data.list_categories(several / "chair") == ("chair",)


def test_resolve_categories(several: pathlib.Path) -> None:
    found = data.resolve_categories(several, ["chair", "03Brick", "chair"])
    assert found == (several / "chair", several / "03Brick")
    assert len(data.resolve_categories(several)) == 12
    assert data.resolve_categories(several / "chair", ["chair"]) == (several / "chair",)


def test_unknown_category_lists_the_ten_nearest(several: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match="found 'Chairs'") as caught:
        data.resolve_categories(several, ["Chairs"])
    names = str(caught.value).split("such as ")[1].split(", ")
    assert len(names) == 10
    assert names[0] == "chair"


def test_no_objects(tmp_path: pathlib.Path) -> None:
    (tmp_path / "notes").mkdir()
    with pytest.raises(DataError, match="neither this folder nor one in it"):
        data.list_categories(tmp_path)
    with pytest.raises(DataError, match="holds no transforms.json, .* or poses_bounds"):
        data.load_object(tmp_path)


def test_sample() -> None:
    assert data.list_categories(data.sample_dir()) == ("01Penguin",)
    assert (data.sample_dir() / "ATTRIBUTION.md").is_file()
    for name in ("license.txt", "readme.txt"):
        assert (data.sample_dir() / "01Penguin" / name).is_file()
    loaded = data.load_object(data.sample_dir() / "01Penguin", size=50)
    assert loaded.warnings == ()
    assert (len(loaded.train), len(loaded.test)) == (100, 23)
    assert loaded.background == (1.0, 1.0, 1.0)
    found = data.read_test_poses(data.sample_dir() / "01Penguin")
    assert found is not None
    assert set(found) == {view.name for view in loaded.test}


def test_real_mad_like_object(shared: pathlib.Path) -> None:
    start = time.monotonic()
    loaded = data.load_object(shared / "data/mad_ldraw/01Penguin", size=100)
    # Under three seconds alone; the machine that tests may be busy.
    assert time.monotonic() - start < 15
    assert (len(loaded.train), len(loaded.test)) == (210, 75)
    assert loaded.warnings == ()
    assert loaded.train[0].image.shape == (100, 100, 3)
    for view in loaded.test:
        assert view.mask is not None
        assert view.mask.any() == (view.defect_type != data.GOOD)
    for view in loaded.train[::20]:
        seen = data.silhouette(view, loaded.background)
        assert seen is not None
        # The object's radius of 1.2 at distance 4 and its place in the middle.
        assert 0.1 < seen.mean() < 0.6
        assert np.abs(np.argwhere(seen).mean(axis=0) - 50).max() < 15


def test_real_nerf_synthetic_object(shared: pathlib.Path) -> None:
    loaded = data.load_object(shared / "data/nerf_synthetic/chair", size=100)
    assert (len(loaded.train), len(loaded.test)) == (100, 40)
    found = data.read_test_poses(shared / "data/nerf_synthetic/chair")
    assert found is not None
    assert set(found) == {view.name for view in loaded.test}
    for view in loaded.train[::20]:
        assert view.alpha is not None
        assert view.image.max(axis=2).max() <= 1
        assert (view.image.max(axis=2) <= view.alpha + 1e-5).all()
