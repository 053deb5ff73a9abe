"""Degraded copies of tiny objects: what changed, and that the rest still holds."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from jaxsplat import data
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.metrics import rotation_error
from jaxsplat.study import degraded_sets
from jaxsplat.study.degraded_sets import NOTE, Recipe
from jaxsplat.study.kinds import Split
from tests.helpers import datasets

TESTS = 6  # test photographs that `datasets.write_mad` writes


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    root = datasets.write_mad(tmp_path / "part", width=40, height=24)
    (root / "license.txt").write_text("CC0")
    (root / "mesh.ply").write_bytes(b"ply")
    return root


def degraded(
    source: pathlib.Path,
    *names: str,
    apply_to: tuple[Split, ...] | None = None,
    seed: int = 0,
) -> pathlib.Path:
    recipe = Recipe(names, apply_to, seed)
    out = source.parent / "out" / f"{'-'.join(names)} {apply_to} {seed}"
    degraded_sets.write(source, out, recipe)
    return out


def files(root: pathlib.Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_noise_changes_photographs_and_nothing_else(source: pathlib.Path) -> None:
    before, after = files(source), files(degraded(source, "noise_3"))
    note = after.pop(NOTE).decode()
    assert "noise_3" in note and '"noise": 3' in note and "licence" in note
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    photographs = {name for name in before if name.startswith(("train/", "test/"))}
    assert changed == photographs
    assert len(photographs) == datasets.VIEWS + TESTS


def test_a_photograph_depends_on_seed_and_name_alone(source: pathlib.Path) -> None:
    one = files(degraded(source, "noise_3", seed=5))
    other = files(degraded(source, "noise_3", seed=6))
    name = "train/good/2.png"
    assert one[name] != other[name]
    # Without some of its neighbours.
    for gone in ("train/good/0.png", "test/Burrs/0.png"):
        (source / gone).unlink()
    path = source / "transforms.json"
    content = json.loads(path.read_text())
    del content["frames"][0]
    path.write_text(json.dumps(content))
    out = source.parent / "fewer"
    count = degraded_sets.write(source, out, Recipe(("noise_3",), seed=5))
    assert count == datasets.VIEWS + TESTS - 2
    fewer = files(out)
    for left in (name, "test/Burrs/1.png"):
        assert fewer[left] == one[left]


def test_jpegs_get_their_suffix_wherever_they_are_named(source: pathlib.Path) -> None:
    out = degraded(source, "jpeg")
    found, true = data.load_object(out), data.read_test_poses(out)
    assert {v.name.split(".")[-1] for v in (*found.train, *found.test)} == {"jpg"}
    assert true is not None and true.keys() == {view.name for view in found.test}
    original = data.load_object(source)
    for old, new in zip(original.train, found.train, strict=True):
        assert old.camera is not None and new.camera is not None
        np.testing.assert_array_equal(
            old.camera.camera_from_world, new.camera.camera_from_world
        )
    for before, after in zip(original.test, found.test, strict=True):
        np.testing.assert_array_equal(before.mask, after.mask)
    assert not list(out.rglob("train/good/*.png"))


def test_kinds_of_queries_leave_the_training_set_to_the_last_byte(
    source: pathlib.Path,
) -> None:
    out = degraded(source, "clutter", "occluded")
    before, after = files(source), files(out)
    for name in before:
        assert (before[name] == after[name]) == (not name.startswith("test/")) or (
            name.startswith("ground_truth/")
        )
    digests = (data.load_object(path).train_digest for path in (source, out))
    assert len(set(digests)) == 1
    train = files(degraded(source, "clutter", apply_to=("train",)))
    assert train["test/good/0.png"] == before["test/good/0.png"]
    assert train["train/good/0.png"] != before["train/good/0.png"]


def test_cut_off_photographs_have_the_poses_of_the_turned_camera(
    source: pathlib.Path,
) -> None:
    out = degraded(source, "cut_off", apply_to=("train", "test"))
    before, after = data.load_object(source), data.load_object(out)
    for old, new in zip(before.train, after.train, strict=True):
        assert old.camera is not None and new.camera is not None
        one, other = (np.asarray(v.camera.camera_from_world) for v in (old, new))
        assert rotation_error(one, other) > 0.02
        # It turns in its place, which is that of the files: turned cameras look at
        # another point, and that is the origin inside.
        places = [
            -pose[:3, :3].T @ pose[:3, 3]
            for pose in (
                before.world.camera_to_user(one),
                after.world.camera_to_user(other),
            )
        ]
        np.testing.assert_allclose(*places, atol=1e-5)
        # The object's middle, as the turned camera projects it, is where it is seen.
        rows, columns = np.nonzero(np.abs(old.image - 1).max(axis=-1) > 0.5)
        lens = np.array(
            [
                [float(old.camera.fx), 0, float(old.camera.cx)],
                [0, float(old.camera.fy), float(old.camera.cy)],
                [0, 0, 1],
            ]
        )
        rays = np.linalg.inv(lens) @ np.stack([columns + 0.5, rows + 0.5, rows * 0 + 1])
        there = lens @ other[:3, :3] @ one[:3, :3].T @ rays
        x, y = there[:2] / there[2]
        inside = (x > 0) & (x < 40) & (y > 0) & (y < 24)
        # Its corners show how exact that is: within a pixel.
        seen_rows, seen_columns = np.nonzero(np.abs(new.image - 1).max(axis=-1) > 0.5)
        for predicted, seen in ((x, seen_columns), (y, seen_rows)):
            assert predicted[inside].min() == pytest.approx(seen.min() + 0.5, abs=1.2)
            assert predicted[inside].max() == pytest.approx(seen.max() + 0.5, abs=1.2)
        assert 0.6 < inside.mean() < 0.95
    old_poses, new_poses = data.read_test_poses(source), data.read_test_poses(out)
    assert old_poses is not None and new_poses is not None
    for name, pose in old_poses.items():
        assert rotation_error(pose, new_poses[name]) > 0.02


def test_half_size_scales_masks_and_lenses(source: pathlib.Path) -> None:
    path = source / "transforms.json"
    content = json.loads(path.read_text())
    content |= {"w": 40, "h": 24, "fl_x": 50.0, "cx": 20.0, "cy": 12.0}
    del content["camera_angle_x"]
    path.write_text(json.dumps(content))
    found = data.load_object(degraded(source, "half_size", apply_to=("train", "test")))
    camera = found.intrinsics
    assert (camera.width, camera.height) == (20, 12)
    assert [float(x) for x in (camera.fx, camera.cx, camera.cy)] == [25, 10, 6]
    mask = next(view.mask for view in found.test if view.defect_type == "Burrs")
    assert mask is not None and mask.shape == (12, 20) and mask.sum() == 15


def test_masks_follow_what_hides_the_object(source: pathlib.Path) -> None:
    out = degraded(source, "occluded")
    for path in sorted((out / "ground_truth").rglob("*.png")):
        pixels = np.array(Image.open(path))
        assert pixels.dtype == np.uint8 and set(np.unique(pixels)) == {0, 255}


def test_cut_outs_keep_their_alpha(tmp_path: pathlib.Path) -> None:
    root = datasets.write_nerf(tmp_path / "chair")
    out = degraded(root, "noise_3", "jpeg")
    before, after = data.load_object(root), data.load_object(out)
    for old, new in zip(before.train, after.train, strict=True):
        assert old.name == new.name
        np.testing.assert_array_equal(old.alpha, new.alpha)
        assert new.alpha is not None and (old.image != new.image)[new.alpha > 0].any()
    depth = "test/r_0_depth_0001.png"
    assert (out / depth).read_bytes() == (root / depth).read_bytes()


def test_out_of_a_folder_that_is_not_new_or_lies_within(
    source: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    recipe = Recipe(("jpeg",))
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match="used is there already"):
        degraded_sets.write(source, tmp_path / "used", recipe)
    with pytest.raises(ConfigError, match="choose a folder outside"):
        degraded_sets.write(source, source / "copy", recipe)
    (tmp_path / "empty").mkdir()
    degraded_sets.write(source, tmp_path / "empty", recipe)
    assert (tmp_path / "used" / "mine.txt").read_text() == "kept"


def test_unknown_objects_and_clashing_names_are_refused_and_leave_nothing(
    source: pathlib.Path,
) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (24, 40, 3), np.uint8)
    other = source / "test" / "good" / "0.jpg"
    datasets.save(other, pixels)
    out = source.parent / "out"
    with pytest.raises(DataError, match=r"0.png would become test/good/0.jpg"):
        degraded_sets.write(source, out, Recipe(("jpeg",)))
    other.unlink()
    for path in source.glob("train/good/*.png"):
        datasets.save(path, rng.integers(0, 255, (24, 40, 3), np.uint8))
    with pytest.raises(DataError, match="neither alpha nor a plain background"):
        degraded_sets.write(source, out, Recipe(("clutter",)))
    assert {path.name for path in source.parent.iterdir()} == {"part"}
    # What needs no object works all the same.
    degraded_sets.write(source, out, Recipe(("noise_3", "vignetting", "gradient")))


def test_photographs_for_clutter_are_read(source: pathlib.Path) -> None:
    found = degraded_sets.read_photographs(
        [source / "train" / "good", source / "test" / "good" / "0.png"]
    )
    assert len(found) == datasets.VIEWS + 1 and found[0].shape == (24, 40, 3)
    with pytest.raises(DataError, match="holds no images"):
        degraded_sets.read_photographs([source / "test"])
