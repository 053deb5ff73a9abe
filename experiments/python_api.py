"""Writes docs/python_api.md from the docstrings of the public names.

    python -m experiments.python_api

A test holds that the page is what the docstrings say.
"""

import inspect
import pathlib
import re
from typing import Any

import jaxsplat
from jaxsplat.data import atomic

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "python_api.md"
_HEAD = """# Python API

Made by `experiments/python_api.py` from the docstrings of `jaxsplat.__all__`.
Arrays are written with their shapes: `[n, 3]` has n rows of three numbers.
"""
_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields):$")
_ENTRY = re.compile(r"^    (\S[^:]*): (.*)$")


def page() -> str:
    """Returns the page as the docstrings have it now."""
    parts = [_HEAD]
    for name in jaxsplat.__all__:
        value = getattr(jaxsplat, name)
        parts.append(f"## `{name}`\n")
        parts.append(_told(value))
        if inspect.isclass(value):
            for method, function in sorted(vars(value).items()):
                function = getattr(function, "__func__", function)
                if not method.startswith("_") and _is_documented(function):
                    parts.append(f"### `{name}.{method}`\n")
                    parts.append(_told(function))
    return "\n".join(parts)


def _is_documented(value: Any) -> bool:
    is_known = inspect.isfunction(value) or isinstance(value, property)
    return is_known and bool(value.__doc__)


def _told(value: Any) -> str:
    """Returns what a docstring says, with its sections as lists."""
    lines = []
    if inspect.isfunction(value):
        names = [
            ("*" if one.kind is one.VAR_POSITIONAL else "") + one.name
            for one in inspect.signature(value).parameters.values()
            if one.name not in ("self", "cls")
        ]
        lines += [f"`{value.__name__}({', '.join(names)})`", ""]
    is_listed = False
    for line in inspect.cleandoc(value.__doc__ or "").splitlines():
        if section := _SECTION.match(line):
            is_listed = True
            lines += [f"**{section[1]}**", ""]
        elif not is_listed:
            lines.append(line)
        elif entry := _ENTRY.match(line):
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        else:
            lines.append(("  " if line.startswith("        ") else "") + line.strip())
    return "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    atomic.write_bytes(PAGE, page().encode())
    print(PAGE)
