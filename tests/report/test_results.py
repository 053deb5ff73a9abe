"""What is kept belongs to the files it was made from, known by their content."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from jaxsplat.errors import DataError
from jaxsplat.report import CategoryFolder

ARRAYS = {"map": np.zeros((2, 2))}


def opened(path: pathlib.Path) -> CategoryFolder:
    return CategoryFolder(path / "a", "hash")


def worked(path: pathlib.Path, digest: str) -> CategoryFolder:
    """Returns a category's folder with everything that a run leaves there."""
    folder = opened(path)
    folder.begin_object(digest)
    for name in ("scene.ply", "arrays.safetensors", "section.html", "poses.json"):
        (folder.path / name).write_text("made")
    folder.foreground_path.write_text("made")
    folder.detector_path.write_text("made")
    folder.checkpoint_path.mkdir()
    (folder.checkpoint_path / "step").write_text("made")
    folder.append("0.png", {"score": 1.0}, ARRAYS, "q0")
    folder.write_map("0.png", np.zeros((2, 2)), (0.0, 1.0))
    return folder


def files_of(folder: CategoryFolder) -> set[str]:
    paths = folder.path.rglob("*")
    return {p.relative_to(folder.path).as_posix() for p in paths if p.is_file()}


def test_the_same_photographs_keep_everything(tmp_path: pathlib.Path) -> None:
    before = files_of(worked(tmp_path, "one"))
    folder = opened(tmp_path)
    assert folder.begin_object("one") is False
    assert list(folder.results) == ["0.png"]
    assert files_of(folder) == before


def test_other_photographs_to_fit_remove_what_was_made(tmp_path: pathlib.Path) -> None:
    worked(tmp_path, "one")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    folder = opened(tmp_path)
    assert folder.begin_object("two") is True
    assert folder.results == {}
    assert files_of(folder) == {"notes.txt", "object.json", "results.jsonl"}
    assert not folder.detector_path.exists() and not folder.checkpoint_path.exists()
    folder.append("0.png", {"score": 2.0}, None, "q0")
    again = opened(tmp_path)
    assert again.begin_object("two") is False
    assert again.results["0.png"]["score"] == 2.0


def test_a_new_folder_is_unchanged(tmp_path: pathlib.Path) -> None:
    assert opened(tmp_path).begin_object("one") is False
    assert opened(tmp_path).begin_object("one") is False
    assert json.loads((tmp_path / "a" / "object.json").read_text()) == {
        "train_digest": "one"
    }


@pytest.mark.parametrize("made", ["scene.ply", "detector.json", "results.jsonl"])
def test_an_old_folder_with_work_counts_as_changed(
    tmp_path: pathlib.Path, made: str
) -> None:
    folder = worked(tmp_path, "one")
    for item in folder.path.iterdir():
        if item.name != made:
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    if made == "results.jsonl":
        line = {"name": "0.png", "config": "hash"}
        (folder.path / made).write_text(json.dumps(line) + "\n")
    assert opened(tmp_path).begin_object("one") is True
    assert files_of(folder) == {"object.json", "results.jsonl"}


def test_a_damaged_digest_is_told(tmp_path: pathlib.Path) -> None:
    folder = worked(tmp_path, "one")
    (folder.path / "object.json").write_text("{")
    with pytest.raises(DataError, match=r"object\.json"):
        folder.begin_object("one")


def test_a_kill_while_clearing_never_leaves_half_for_the_old_object(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(tmp_path, "one")

    def killed(path: pathlib.Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path).begin_object("two")
    folder = opened(tmp_path)
    assert folder.begin_object("one") is True
    assert files_of(folder) == {"object.json", "results.jsonl"}


def test_a_replaced_query_is_forgotten_with_its_arrays(tmp_path: pathlib.Path) -> None:
    folder = worked(tmp_path, "one")
    folder.append("1.png", {"score": 0.5}, ARRAYS, "q1")
    folder.append("unlisted.png", {"score": 0.5}, None, "q2")
    folder = opened(tmp_path)
    assert folder.forget_changed({"0.png": "other", "1.png": "q1", "new.png": "n"}) == 1
    assert list(folder.results) == ["1.png", "unlisted.png"]
    with pytest.raises(DataError, match="cannot be read"):
        folder.load_arrays("0.png")
    assert not list((folder.path / "maps").iterdir())
    folder.load_arrays("1.png")
    assert list(opened(tmp_path).results) == ["1.png", "unlisted.png"]
    folder.append("0.png", {"score": 0.25}, ARRAYS, "other")
    again = opened(tmp_path)
    assert again.forget_changed({"0.png": "other", "1.png": "q1"}) == 0
    assert again.results["0.png"]["score"] == 0.25


def test_a_result_of_an_older_version_without_digest_is_forgotten(
    tmp_path: pathlib.Path,
) -> None:
    folder = opened(tmp_path)
    line = {"name": "0.png", "config": "hash", "arrays": False}
    (folder.path / "results.jsonl").write_text(json.dumps(line) + "\n")
    folder = opened(tmp_path)
    assert list(folder.results) == ["0.png"]
    assert folder.forget_changed({"0.png": "q0"}) == 1
    assert opened(tmp_path).results == {}


def test_unchanged_queries_leave_the_file_alone(tmp_path: pathlib.Path) -> None:
    folder = worked(tmp_path, "one")
    before = (folder.path / "results.jsonl").stat()
    assert folder.forget_changed({"0.png": "q0"}) == 0
    after = (folder.path / "results.jsonl").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
