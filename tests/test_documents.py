"""The documents say what is there."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_fault_has_its_row_and_tests_that_exist() -> None:
    rows = re.findall(
        r"^\| (\d+) \|.*\|$", (ROOT / "docs/faults.md").read_text(), re.MULTILINE
    )
    assert [int(number) for number in rows] == list(range(1, 68))
    for line in (ROOT / "docs/faults.md").read_text().splitlines():
        if not re.match(r"\| \d+ \|", line):
            continue
        named = TEST.findall(line.split("|")[4])
        assert named, line
        for file, name in named:
            functions = [
                node.name
                for node in ast.parse((ROOT / file).read_text()).body
                if isinstance(node, ast.FunctionDef)
            ]
            assert name in functions, f"{file}::{name}"
