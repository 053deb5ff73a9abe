"""Which test photographs show one and the same part."""

import json
import pathlib
import re
from collections.abc import Sequence

from jaxsplat.data import paths
from jaxsplat.errors import ConfigError, DataError

FILE = "parts.json"


def compile_rule(rule: str) -> re.Pattern[str]:
    """Returns a naming rule that `group_parts` takes.

    Raises:
        ConfigError: it is no regular expression, or has not one group.
    """
    try:
        pattern = re.compile(rule)
    except re.error as error:
        raise ConfigError(
            f"parts: {rule!r} is no regular expression ({error})"
        ) from error
    if pattern.groups != 1:
        raise ConfigError(
            f"parts: {rule!r} has {pattern.groups} groups, expected one, which is the "
            "part's name"
        )
    return pattern


def group_parts(
    root: pathlib.Path, names: Sequence[str], rule: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Returns the names of the photographs of each part.

    Args:
        root: the object's folder. Without a rule its `parts.json` says which
            photographs belong together, `{"part": ["test/good/0.png", ...]}`; where
            there is no such file, nothing does.
        names: of the test photographs, relative to the folder.
        rule: a regular expression, found anywhere in a name, whose one group is the
            part's name; photographs whose names have none belong to no part.

    Returns:
        By part, names out of `names` in their order; parts without any are left out.

    Raises:
        ConfigError: see `compile_rule`.
        DataError: the file is not as it should be, or puts a photograph into two parts.
    """
    if rule is not None:
        pattern = compile_rule(rule)
        matches = {name: pattern.search(name) for name in names}
        part_of = {name: found.group(1) for name, found in matches.items() if found}
    elif paths.is_file(root / FILE):
        part_of = _read(root / FILE)
    else:
        return {}
    parts: dict[str, list[str]] = {}
    for name in names:
        if part_of.get(name):
            parts.setdefault(part_of[name], []).append(name)
    return {part: tuple(members) for part, members in parts.items()}


def _read(path: pathlib.Path) -> dict[str, str]:
    """Returns the part of each photograph that the file lists."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error})") from error
    if not isinstance(record, dict):
        raise DataError(f"{path}: expected parts, each with a list of photographs")
    part_of: dict[str, str] = {}
    for part, members in record.items():
        if not isinstance(members, list) or not all(
            isinstance(name, str) for name in members
        ):
            raise DataError(
                f"{path}: {paths.shown(part)}: expected a list of photographs, such as "
                '["test/good/0.png"]'
            )
        for name in members:
            if part_of.setdefault(name, part) != part:
                raise DataError(
                    f"{path}: {paths.shown(name)} is in two parts, "
                    f"{paths.shown(part_of[name])} and {paths.shown(part)}"
                )
            if not paths.is_file(paths.resolve_inside(path.parent, name)):
                raise DataError(f"{path}: {paths.shown(name)}: there is no such file")
    return part_of
