"""The documents say what is there: tests, flags, code and names."""

import contextlib
import functools
import io
import pathlib
import re
import runpy
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from absl import flags as absl_flags

from experiments import python_api
from jaxsplat.commands import flags
from tests.helpers import documents
from tests.helpers.documents import ROOT, Command

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_NAMES = [str(file.relative_to(ROOT)) for file in documents.FILES]
_LANGUAGES = {"", "sh", "python", "json", "text"}


@functools.cache
def source(name: str) -> str:
    return (ROOT / name).read_text()


def test_every_fault_has_its_row_and_tests_that_exist() -> None:
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", source("docs/faults.md"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 68))
    for number, row in rows:
        named = _TEST.findall(row.split("|")[2])
        assert named, number
        for file, name in named:
            assert f"\ndef {name}(" in source(file), f"{number}: {file}::{name}"


@pytest.mark.parametrize("name", _NAMES)
def test_every_block_is_of_a_known_kind_or_says_why_it_is_not_run(name: str) -> None:
    for block in documents.blocks(ROOT / name):
        assert block.language in _LANGUAGES
        if block.language == "python":
            compile(block.text, name, "exec")
        if block.language == "sh" and not block.reason:
            for line in documents.lines(block.text):
                assert documents.command(line) or line.startswith("python -m pip "), (
                    f"{name}: {line!r} is no command of ours: say why it is not run"
                )


def parsed(command: Command) -> bool:
    """Returns whether a command takes its flags; it is not run."""
    seen: list[bool] = []

    def read(
        main: Callable[..., Any], config: type, argv: list[str] | None = None
    ) -> None:
        values = absl_flags.FlagValues()
        flags.define(config, values)
        absl_flags.DEFINE_bool("debug", False, "", flag_values=values)
        absl_flags.DEFINE_string("compile_cache", "", "", flag_values=values)
        # A command that is named alone may lack flags that must be given.
        given = list(argv or sys.argv)
        if given[1:]:
            assert flags.take_positional(config, values, values(given)[1:]) == []
            flags.read(config, values)
        seen.append(True)

    module, *name = command.module.split()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "run", read)
        patch.setattr(sys, "argv", [module, *name, *command.arguments])
        with (
            warnings.catch_warnings(),
            contextlib.suppress(SystemExit, absl_flags.Error),
        ):
            # Another test may have imported it already.
            warnings.filterwarnings("ignore", ".*found in sys.modules", RuntimeWarning)
            runpy.run_module(module, run_name="__main__", alter_sys=False)
    return seen == [True]


@pytest.mark.parametrize("name", _NAMES)
def test_every_command_takes_its_flags(name: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        wrong = [
            command
            for command in documents.commands(ROOT / name)
            if "--help" not in command.arguments and not parsed(command)
        ]
    assert wrong == []


def test_commands_are_found_in_blocks_and_text(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`python -m experiments.mad\n--seed=1` and\n\n```sh\n"
        "python -m pip install x && python -m experiments.fit --a=1 \\\n"
        "    --b='x y' > out  # why\n```\n\n<!-- not run: needs more -->\n```sh\n"
        "colmap mapper\n```\n"
    )
    assert [block.reason for block in documents.blocks(page)] == ["", "needs more"]
    assert documents.commands(page) == [
        Command("experiments.fit", ("--a=1", "--b=x y")),
        Command("experiments.mad", ("--seed=1",)),
    ]
    assert not parsed(Command("experiments.fit", ("--no_such=1",)))


def test_the_page_of_the_python_api_is_what_the_docstrings_say() -> None:
    assert python_api.PAGE.read_text() == python_api.page(), (
        "run `python -m experiments.python_api`"
    )
