"""The blocks of the documents as they stand, on the bundled sample, with small fits.

`tests/test_call.py` runs README's first block in the usual run, and
`tests/test_documents.py` checks the flags of all commands.
"""

import os
import pathlib
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator

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
    monkeypatch.setattr(fitting, "preset", lambda *_: SMALL_FIT)
    yield tmp_path


def run(command: documents.Command) -> object:
    """Returns a command's exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [command.module, *command.arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(command.module, run_name="__main__", alter_sys=False)
    return ended.value.code


# What a reader has before the blocks begin. Fits are small.
_BEFORE = """
import pathlib, shutil
from jaxsplat import fitting
from tests.helpers.small_fit import SMALL_FIT
fitting.preset = lambda *_: SMALL_FIT
photos = sorted(pathlib.Path("today").iterdir())
"""
# The first command of the README leaves such a scene.
_AFTER_A_FIT = """
pathlib.Path("runs/mad/01Penguin").mkdir(parents=True, exist_ok=True)
if pathlib.Path("my_part.detector").exists():
    shutil.copy("my_part.detector/scene.ply", "runs/mad/01Penguin")
"""
_AT_THE_END = "assert found.matrix.shape == (6, 6)"


@pytest.mark.slow
def test_the_python_blocks_of_the_readme_run(place: pathlib.Path) -> None:
    # In a process of their own: gradients by an integer have no type that the checks of
    # the tests know.
    script = [_BEFORE]
    for block in documents.blocks(ROOT / "README.md"):
        if block.language == "python" and not block.reason:
            script += [block.text, _AFTER_A_FIT]
    (place / "blocks.py").write_text("\n".join([*script, _AT_THE_END]))
    subprocess.run(
        [sys.executable, "blocks.py"],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )


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
