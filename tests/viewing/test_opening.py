"""Folders to what is shown of them: runs, one object of them, detectors."""

import pathlib
import shutil

import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.viewing import opening
from jaxsplat.viewing.opening import Asked
from tests.helpers import shown


@pytest.fixture(scope="module")
def run(
    toy_views: tuple[View, ...], tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    return shown.write_run(tmp_path_factory.mktemp("opening"), toy_views)


def listing(root: pathlib.Path) -> dict[pathlib.Path, bytes]:
    return {p: p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_run_is_opened_as_it_is(
    run: pathlib.Path, toy_views: tuple[View, ...]
) -> None:
    before = listing(run)
    found = opening.open_exhibit(Asked(run))
    assert listing(run) == before
    assert found.name == "toy" and not found.is_one_part
    assert [shot.told for shot in found.shots] == [
        "good, score 0.5",
        "defective, score 6",
    ]
    for shot, view in zip(found.shots, toy_views):
        assert view.camera is not None
        np.testing.assert_allclose(
            shot.camera.camera_from_world, view.camera.camera_from_world, atol=1e-5
        )
        # The data are gone: what the photograph should show stands for it.
        np.testing.assert_array_equal(
            shot.picture, np.rint(255 * view.image).astype(np.uint8)
        )
    told = " ".join(found.notes)
    assert "no data" in told and "test/lost.png" in told


def test_one_object_of_a_run_and_a_line_that_is_being_written(
    run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    with (copy / "toy" / "results.jsonl").open("a") as file:
        file.write('{"name": "half')
    found = opening.open_exhibit(Asked(copy / "toy"))
    assert len(found.shots) == 2


def test_a_detector_has_no_photographs(
    run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for name in ("detector.json", "scene.ply", "arrays.safetensors"):
        shutil.copy(run / "toy" / name, tmp_path / name)
    found = opening.open_exhibit(Asked(tmp_path))
    assert not found.shots and "--data_dir" in found.notes[0]


def test_what_cannot_be_opened_is_told(
    run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(DataError, match="is no folder"):
        opening.open_exhibit(Asked(tmp_path / "gone"))
    with pytest.raises(DataError, match="expected a run or a detector"):
        opening.open_exhibit(Asked(tmp_path))
    with pytest.raises(ConfigError, match="'cat', expected one of toy"):
        opening.open_exhibit(Asked(run, category="cat"))
    with pytest.raises(ConfigError, match="drop --category"):
        opening.open_exhibit(Asked(run / "toy", category="toy"))
    with pytest.raises(DataError, match="does not exist"):
        opening.open_exhibit(Asked(run, data_dir=str(tmp_path / "gone")))
    shutil.copytree(run, tmp_path / "two")
    shutil.copytree(run / "toy", tmp_path / "two" / "other")
    with pytest.raises(ConfigError, match="expected one of other, toy"):
        opening.open_exhibit(Asked(tmp_path / "two"))
