"""The page's templates, whose values are escaped, and how they become text."""

import functools
import pathlib
from collections.abc import Iterator
from typing import TextIO

import jinja2

_FOLDER = pathlib.Path(__file__).parent / "templates"
_PIECE = 2**16  # characters of a stored part that are in memory at a time


def render(name: str, /, **values: object) -> Iterator[str]:
    """Yields a template's text in pieces, so that it never is in memory whole.

    Args:
        name: file of the template.
        values: what it shows; text in them is escaped, whatever it holds. Iterators are
            used up as the text is made.
    """
    yield from _environment().get_template(name).generate(**values)


def stored(file: TextIO) -> Iterator[str]:
    """Yields what is left of a file with text that `render` made, in pieces."""
    while piece := file.read(_PIECE):
        yield piece


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
