"""The blocks of the documents as they stand, on the bundled sample, with small fits.

`tests/test_call.py` runs README's first block in the usual run, and
`tests/test_documents.py` checks the flags of all commands.
"""

import contextlib
import io
import pathlib
import runpy
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import jaxsplat
from jaxsplat import fitting
from jaxsplat.commands import endings
from tests.helpers import documents
from tests.helpers.documents import ROOT
from tests.helpers.small_fit import SMALL_FIT


@pytest.fixture
def place(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pathlib.Path]:
    """Enters a folder that holds what the documents name, and makes fits small."""
    sample = jaxsplat.sample_dir() / "01Penguin"
    (tmp_path / "jaxsplat").symlink_to(ROOT / "jaxsplat")
    shutil.copytree(sample, tmp_path / "my_part")
    for folder in ("today", "part_17"):
        (tmp_path / folder).mkdir()
        for name in ("good/000.png", "Missing/001.png"):
            copy = tmp_path / folder / name.replace("/", "_")
            shutil.copyfile(sample / "test" / name, copy)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fitting, "preset", lambda name, side: SMALL_FIT)
    yield tmp_path


def run(command: documents.Command) -> object:
    """Returns a command's exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [command.module, *command.arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(command.module, run_name="__main__", alter_sys=False)
    return ended.value.code


@pytest.mark.slow
def test_the_python_blocks_of_the_readme_run(place: pathlib.Path) -> None:
    left: dict[str, Any] = {"photos": sorted((place / "today").iterdir())}
    scene = place / "runs/mad/01Penguin/scene.ply"
    scene.parent.mkdir(parents=True)
    for number, block in enumerate(documents.blocks(ROOT / "README.md")):
        if block.language == "python" and not block.reason:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, f"block {number}", "exec"), left)
            if (place / "my_part.detector").exists() and not scene.exists():
                shutil.copyfile(place / "my_part.detector/scene.ply", scene)
    assert left["found"].matrix.shape == (6, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "docs/own_photographs.md"])
def test_the_commands_of_blocks_run(place: pathlib.Path, name: str) -> None:
    judged = {0, endings.DEFECT_FOUND, endings.NOT_JUDGED}
    count = 0
    for block in documents.blocks(ROOT / name):
        if block.language != "sh" or block.reason:
            continue
        for line in documents.lines(block.text):
            command = documents.command(line)
            if command is not None:
                is_inspection = command.module == "experiments.inspect"
                assert run(command) in (judged if is_inspection else {0}), line
                count += 1
    assert count > 0
