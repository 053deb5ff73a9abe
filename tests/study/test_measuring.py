"""Truth and maps of different sizes."""

import pathlib

import numpy as np

from jaxsplat.data.views import View
from jaxsplat.pose import Outcome
from jaxsplat.report import CategoryFolder
from jaxsplat.study import measuring


def test_masks_of_larger_photographs_mark_the_same_place_of_the_map() -> None:
    small = np.zeros((6, 8), bool)
    small[1:3, 2:5] = True
    views = []
    for scale in (1, 2, 5):
        mask = small.repeat(scale, axis=0).repeat(scale, axis=1)
        image = np.zeros((*mask.shape, 3), np.float32)
        views.append(View(f"{scale}.png", image, mask=mask))
    for found in measuring._masks(views, small.shape):
        np.testing.assert_array_equal(found, small)
    halved = measuring._masks(views[1:2], (3, 4))
    # The pixel whose centre falls on the mark.
    np.testing.assert_array_equal(halved[0], small[1::2, 1::2])


def _folder(
    path: pathlib.Path, maps: dict[str, np.ndarray | None]
) -> tuple[CategoryFolder, list[View]]:
    """Returns a run's folder with these maps, and its queries."""
    folder = CategoryFolder(path, "hash")
    for name, values in maps.items():
        record = {"score": None if values is None else float(values.max())}
        record["outcome_code"] = int(Outcome.CONVERGED)
        arrays = None if values is None else {"map": values}
        folder.append(name, record, arrays, name)
    image = np.zeros((4, 4, 3), np.float32)
    return folder, [View(name, image) for name in maps]


def test_maps_of_other_sizes_are_measured_at_that_of_the_first(
    tmp_path: pathlib.Path,
) -> None:
    rng = np.random.default_rng(0)
    first = rng.uniform(size=(6, 8)).astype(np.float32)
    second = rng.uniform(size=(6, 8)).astype(np.float32)
    larger = second.repeat(3, axis=0).repeat(3, axis=1)
    folder, views = _folder(tmp_path, {"a": None, "b": first, "c": larger, "d": second})
    found, maps = measuring._read(views, folder)
    assert maps.shape == (4, 6, 8)
    np.testing.assert_array_equal(maps[[1, 3]], [first, second])
    np.testing.assert_allclose(maps[2], second, atol=0.5)
    # What has no map counts as the worst, in every pixel.
    assert (maps[0] == maps.max()).all() and found[0].anomaly_map is None
    # The page shows the larger one as it is; the others take no memory twice.
    assert found[2].anomaly_map is not None
    assert found[2].anomaly_map.shape == (18, 24)
    assert found[1].anomaly_map is not None
    assert np.shares_memory(found[1].anomaly_map, maps)


def test_without_any_map_all_are_alike(tmp_path: pathlib.Path) -> None:
    folder, views = _folder(tmp_path, {"a": None, "b": None})
    _, maps = measuring._read(views, folder)
    assert maps.shape == (2, 1, 1) and (maps == maps[0]).all()
