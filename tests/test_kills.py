"""Runs that were killed with SIGKILL end as one that was not."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from jaxsplat import data

ROOT = pathlib.Path(__file__).parents[1]
STAGES = ("fit", "checkpoint", "results", "report")
# Surroundings on which nothing depends.
PLACES = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "tr_TR.UTF-8"},
)
# Numbers of the page, which are those of `metrics.json`, times among them.
_NUMBERS = re.compile(r"<td>[\d.]+</td>|<b>[\d.]+</b>|\b[\d.]+ (s|ms)\b")


def few_views(target: pathlib.Path) -> pathlib.Path:
    """Writes the sample with every fifth training view and four queries."""
    source = data.sample_dir() / "01Penguin"
    content = json.loads((source / "transforms.json").read_text())
    content["frames"] = content["frames"][::5]
    kept = [frame["file_path"] for frame in content["frames"]]
    kept += [f"test/{name}.png" for name in ("good/000", "good/001")]
    kept += [f"test/{name}.png" for name in ("Burrs/000", "Missing/001")]
    kept += ["ground_truth/Burrs/000_mask.png", "ground_truth/Missing/001_mask.png"]
    for name in kept:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    (target / "transforms.json").write_text(json.dumps(content))
    shutil.copyfile(source / "test_poses.json", target / "test_poses.json")
    return target


def run(folder: pathlib.Path, out: str, stage: str, number: int) -> int:
    """Returns how a run ended, a part of it in other surroundings than the last."""
    place = PLACES[number % len(PLACES)]
    away = folder / f"away {number % 2}"
    away.mkdir(exist_ok=True)
    arguments = [str(folder / f"{out}.json"), stage, str(number)]
    arguments += [f"--data_dir={folder / '01Penguin'}", f"--out={folder / out}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.killed_run", *arguments, "--size=64"],
        cwd=away,
        env={**os.environ, **place, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def without_seconds(value: Any) -> Any:
    """Returns a JSON value without the times that it took and the place."""
    if isinstance(value, dict):
        return {
            key: without_seconds(part)
            for key, part in value.items()
            if "seconds" not in key and key != "out"
        }
    return (
        [without_seconds(part) for part in value] if isinstance(value, list) else value
    )


def content(out: pathlib.Path) -> dict[str, Any]:
    """Returns what a run left, by file, without times and its own place."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = str(path.relative_to(out))
        if path.suffix == ".jsonl":
            lines = path.read_text().splitlines()
            found[name] = [without_seconds(json.loads(line)) for line in lines]
        elif path.suffix == ".json":
            found[name] = without_seconds(json.loads(path.read_text()))
        elif path.suffix == ".html":
            text = path.read_text().replace(f"<td>{out}</td>", "")
            found[name] = _NUMBERS.sub("", text)
        else:
            found[name] = path.read_bytes()
    return found


@pytest.mark.parametrize(
    ("runs", "stages"),
    [
        pytest.param(1, ("fit", "results", "report"), id="three kills"),
        pytest.param(5, STAGES, id="twenty kills", marks=pytest.mark.slow),
    ],
)
def test_killed_runs_end_as_a_whole_one(
    tmp_path: pathlib.Path, runs: int, stages: tuple[str, ...]
) -> None:
    """Kills each run once in every stage, at a step or write that a seed chooses."""
    few_views(tmp_path / "01Penguin")
    assert run(tmp_path, "whole", "none", 0) == 0
    expected = content(tmp_path / "whole")
    counts = json.loads((tmp_path / "whole.json").read_text())
    assert set(counts) == set(STAGES), counts
    # A run that goes on has fewer savings left, and its file of results is there: what
    # remains is a line for each of the four queries.
    most = {**counts, "fit": 100, "checkpoint": counts["checkpoint"] // 6, "results": 4}
    for seed in range(runs):
        draw = random.Random(seed)
        for stage in stages:
            number = draw.randint(1, most[stage])
            assert run(tmp_path, f"run{seed}", stage, number) != 0, (stage, number)
        assert run(tmp_path, f"run{seed}", "none", seed) == 0
        found = content(tmp_path / f"run{seed}")
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name] == value, (seed, name)
