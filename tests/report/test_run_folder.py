"""A run's folder: refusals before compute, the lock, and resuming after a kill."""

import errno
import json
import os
import pathlib
import shutil
import socket

import numpy as np
import pytest

from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.report import RunFolder
from jaxsplat.report.run_folder import config_hash

CONFIG = {"preset": "fast", "seed": 0, "out": "runs/a", "categories": ("a", "b")}


def open_run(
    path: pathlib.Path, *, resume: bool = True, **changes: object
) -> RunFolder:
    return RunFolder(path, {**CONFIG, **changes}, resume=resume, free=("out",))


def test_a_new_run_describes_itself(tmp_path: pathlib.Path) -> None:
    with open_run(tmp_path / "new" / "run") as run:
        config = json.loads((run.path / "config.json").read_text())
        versions = json.loads((run.path / "versions.json").read_text())
    assert config == {
        "hash": run.config_hash,
        "config": {**CONFIG, "categories": ["a", "b"]},
    }
    assert len(run.config_hash) == 64
    assert {"jax", "python", "opencv", "device", "cpu_count"} <= versions.keys()
    assert not [item for item in run.path.iterdir() if item.name[0] == "."]


def test_the_hash_ignores_order_and_free_settings() -> None:
    same = {"b": 1, "a": 2, "out": "elsewhere"}
    assert config_hash({"a": 2, "b": 1}) == config_hash(same, free=["out"])
    assert config_hash({"a": 2, "b": 1}) != config_hash({"a": 2, "b": 2})


def test_a_file_at_the_path_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="is a file"):
        open_run(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be written to"):
        open_run(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_read_only_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Even root cannot make folders in /proc.
    with pytest.raises(ConfigError, match="cannot be written to.*--out"):
        open_run(pathlib.Path("/proc/jaxsplat"))


def test_a_full_disk_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ConfigError, match="1 MiB are free"):
        open_run(tmp_path / "run")


@pytest.mark.parametrize("resume", [True, False])
def test_a_folder_with_other_files_is_refused(
    tmp_path: pathlib.Path, resume: bool
) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ConfigError, match=r"holds 'thesis\.tex' and no run"):
        open_run(tmp_path, resume=resume)
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]


def test_other_settings_are_refused_by_name(tmp_path: pathlib.Path) -> None:
    open_run(tmp_path).close()
    with pytest.raises(ConfigError, match="preset='fast', now 'paper'.*--noresume"):
        open_run(tmp_path, preset="paper")
    open_run(tmp_path, out="moved").close()
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["config"]["out"] == "moved"


def test_beginning_afresh_removes_only_what_a_run_wrote(
    tmp_path: pathlib.Path,
) -> None:
    with open_run(tmp_path) as run:
        run.category("a").append(
            "0.png", {"score": 1.0}, {"map": np.zeros((2, 2))}, "d"
        )
        run.category("b").append("0.png", {"score": 1.0}, None, "d")
        run.write_metrics({"mean": {}})
        (tmp_path / "a" / "notes.txt").write_text("mine")
        (tmp_path / "mine").mkdir()
    with open_run(tmp_path, resume=False, preset="paper") as run:
        assert run.category("a").results == {}
        left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")}
    assert left == {
        ".lock",
        ".lock-owner.json",
        "a",
        "a/notes.txt",
        "a/results.jsonl",
        "config.json",
        "mine",
        "versions.json",
    }


def test_changed_versions_are_told(tmp_path: pathlib.Path) -> None:
    open_run(tmp_path).close()
    path = tmp_path / "versions.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"jax": "0.1"}))
    with open_run(tmp_path) as run:
        assert "jax 0.1 -> " in run.warnings[0]


def test_a_second_run_is_refused_while_the_first_lives(
    tmp_path: pathlib.Path,
) -> None:
    with open_run(tmp_path):
        owner = f"process {os.getpid()} on {socket.gethostname()}"
        with pytest.raises(ConfigError, match=f"{owner} is writing there"):
            open_run(tmp_path)
    open_run(tmp_path).close()


@pytest.mark.parametrize("name", ["<script>", "../x", "a/b", "x" * 300, "🐧", "-rf"])
def test_hostile_category_names_stay_inside(tmp_path: pathlib.Path, name: str) -> None:
    with open_run(tmp_path / "run") as run:
        category = run.category(name)
        category.append(name, {"score": 1.0}, {"map": np.zeros((2, 2))}, "d")
        assert category.path.parent == run.path
        assert list(run.category(name).results) == [name]
    assert [item.name for item in tmp_path.iterdir()] == ["run"]


def test_results_come_back_in_order(tmp_path: pathlib.Path) -> None:
    arrays = {"map": np.arange(6, dtype=np.float32).reshape(2, 3)}
    with open_run(tmp_path) as run:
        category = run.category("a")
        category.append("test/x/1.png", {"score": 0.1}, arrays, "d")
        category.append("test/x/0.png", {"score": np.float32(0.25)}, None, "d")
    with open_run(tmp_path) as run:
        category = run.category("a")
        assert list(category.results) == ["test/x/1.png", "test/x/0.png"]
        assert category.results["test/x/0.png"]["score"] == 0.25
        loaded = category.load_arrays("test/x/1.png")
        np.testing.assert_array_equal(loaded["map"], arrays["map"])
        assert loaded["map"].dtype == np.float32
        with pytest.raises(ValueError, match="has a result already"):
            category.append("test/x/1.png", {"score": 0.1}, None, "d")
        with pytest.raises(NumericsError, match="score: found nan"):
            category.append("test/x/2.png", {"score": float("nan")}, None, "d")
        with pytest.raises(DataError, match=r"test/x/0\.npz: the arrays cannot"):
            category.load_arrays("test/x/0.png")


def test_a_run_killed_in_its_first_fit_is_cleared_too(tmp_path: pathlib.Path) -> None:
    with open_run(tmp_path) as run:
        run.category("a").detector_path.write_text("half")
    with open_run(tmp_path, resume=False, preset="paper") as run:
        assert not run.category("a").detector_path.exists()


def test_a_full_disk_leaves_no_half_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_run(tmp_path) as run:
        category = run.category("x")
        category.append("a", {}, None, "d")
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                category.append("b", {}, None, "d")
        category.append("b", {}, None, "d")
        assert list(run.category("x").results) == ["a", "b"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_cut_last_line_is_dropped_and_redone(
    tmp_path: pathlib.Path, cut: int
) -> None:
    with open_run(tmp_path) as run:
        for name in "abc":
            run.category("x").append(name, {"score": 1.0}, None, "d")
        path = run.category("x").path / "results.jsonl"
        whole = path.read_bytes()
        path.write_bytes(whole[:-cut])
        category = run.category("x")
        assert list(category.results) == ["a", "b"]
        category.append("c", {"score": 1.0}, None, "d")
        assert path.read_bytes() == whole


def test_damaged_arrays_make_a_query_undone(tmp_path: pathlib.Path) -> None:
    with open_run(tmp_path) as run:
        for name in ("a.png", "b.png", "c.png"):
            run.category("x").append(name, {}, {"map": np.zeros((9, 9))}, "d")
        folder = run.category("x").path / "queries"
        (folder / "a.npz").unlink()
        damaged = (folder / "b.npz").read_bytes()[:-30]
        (folder / "b.npz").write_bytes(damaged)
        assert list(run.category("x").results) == ["c.png"]
        assert (run.category("x").path / "results.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("[1, 2]", DataError, "line 1: is not a result"),
        ("hello", DataError, "line 1: is not JSON"),
        ('{"name": "a", "config": "other"}', ConfigError, "other settings.*--noresume"),
    ],
)
def test_foreign_lines_are_refused_by_number(
    tmp_path: pathlib.Path, line: str, error: type[Exception], words: str
) -> None:
    with open_run(tmp_path) as run:
        category = run.category("x")
        category.append("b", {}, None, "d")
        path = category.path / "results.jsonl"
        path.write_text(line + "\n" + path.read_text())
        with pytest.raises(error, match=words):
            run.category("x")


def test_a_name_twice_is_refused(tmp_path: pathlib.Path) -> None:
    with open_run(tmp_path) as run:
        category = run.category("x")
        category.append("b", {}, None, "d")
        path = category.path / "results.jsonl"
        path.write_text(path.read_text() * 2)
        with pytest.raises(DataError, match="line 2: 'b' is there twice"):
            run.category("x")


def test_what_a_killed_run_was_writing_is_removed(tmp_path: pathlib.Path) -> None:
    with open_run(tmp_path) as run:
        run.category("a").append("q", {"x": 1}, None, digest="d")
    lost = [tmp_path / ".report.html.24615.tmp", tmp_path / "a" / "b" / ".c.png.7.tmp"]
    kept = [tmp_path / ".mine.tmp", tmp_path / "other" / ".report.html.24615.tmp"]
    for path in (*lost, *kept):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with open_run(tmp_path):
        assert not any(path.exists() for path in lost)
        assert all(path.exists() for path in kept)
