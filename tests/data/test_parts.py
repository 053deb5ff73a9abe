"""Which test photographs show one part, by a file or by their names."""

import json
import pathlib

import pytest

from jaxsplat.data import group_parts
from jaxsplat.errors import ConfigError, DataError

NAMES = ("test/good/p1_0.png", "test/good/p2_0.png", "test/good/p1_1.png")


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def write(root: pathlib.Path, content: object) -> None:
    (root / "parts.json").write_text(json.dumps(content))


def test_without_file_and_rule_nothing_belongs_together(root: pathlib.Path) -> None:
    assert group_parts(root, NAMES) == {}


def test_a_rule_finds_the_part_in_the_name(root: pathlib.Path) -> None:
    found = group_parts(root, NAMES, r"(p\d)_")
    assert found == {"p1": (NAMES[0], NAMES[2]), "p2": (NAMES[1],)}
    assert group_parts(root, NAMES, r"(p2)_") == {"p2": (NAMES[1],)}
    # An empty name is none.
    assert group_parts(root, NAMES, r"(x?)") == {}


def test_the_file_lists_them_and_the_rule_goes_before_it(root: pathlib.Path) -> None:
    write(root, {"a": [NAMES[2], NAMES[1]], "empty": []})
    assert group_parts(root, NAMES) == {"a": (NAMES[1], NAMES[2])}
    # Of those that are inspected alone.
    assert group_parts(root, NAMES[:2]) == {"a": (NAMES[1],)}
    assert set(group_parts(root, NAMES, r"(p\d)_")) == {"p1", "p2"}


@pytest.mark.parametrize("rule", ["p1", "(p)(1)"])
def test_a_rule_has_one_group(root: pathlib.Path, rule: str) -> None:
    with pytest.raises(ConfigError, match="groups, expected one"):
        group_parts(root, NAMES, rule)


def test_a_rule_is_a_regular_expression(root: pathlib.Path) -> None:
    with pytest.raises(ConfigError, match="no regular expression"):
        group_parts(root, NAMES, "(p")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([NAMES[0]], "expected parts"),
        ({"a": NAMES[0]}, "'a': expected a list"),
        ({"a": [1]}, "'a': expected a list"),
        ({"a": [NAMES[0]], "b": [NAMES[0]]}, "is in two parts, 'a' and 'b'"),
        ({"a": ["test/good/9.png"]}, "'test/good/9.png': there is no such file"),
        ({"a": ["../../etc/hosts"]}, "points outside this folder"),
    ],
)
def test_a_file_that_is_not_as_it_should_be(
    root: pathlib.Path, content: object, message: str
) -> None:
    write(root, content)
    with pytest.raises(DataError, match=message):
        group_parts(root, NAMES)


def test_a_file_that_is_no_json(root: pathlib.Path) -> None:
    (root / "parts.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        group_parts(root, NAMES)
