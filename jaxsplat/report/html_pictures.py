"""Pictures inside a page, and pictures in files beside it that move into it."""

import base64
import dataclasses
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence

from jaxsplat.errors import DataError
from jaxsplat.report import figures
from jaxsplat.report.figures import Rgb8

# What templates write for a picture in a category's folder; text cannot hold a quote.
_SOURCE = re.compile(r'(?<= src=")[A-Za-z0-9_-]+/pictures/[A-Za-z0-9_/-]+\.jpg(?=")')
# Bytes of pictures up to which a page is one file.
_MOST_INSIDE = 32 * 2**20


@dataclasses.dataclass(frozen=True)
class Inlined:
    """A picture as base64 of its JPEG."""

    caption: str
    jpeg: str
    width: int
    height: int


def inlined(caption: str, image: Rgb8) -> Inlined:
    """Returns a picture that stands in the page itself."""
    height, width = image.shape[:2]
    return Inlined(caption, as_text(figures.encode_jpeg(image)), width, height)


def as_text(jpeg: bytes) -> str:
    """Returns a file's content as base64."""
    return base64.b64encode(jpeg).decode("ascii")


def fit_inside(sections: Sequence[pathlib.Path]) -> bool:
    """Returns whether the pictures of sections are few enough to be in one file.

    Args:
        sections: each category's section.html, beside its `pictures`.
    """
    total = 0
    for path in sections:
        for picture in (path.parent / "pictures").rglob("*.jpg"):
            total += picture.stat().st_size
            if total > _MOST_INSIDE:
                return False
    return True


def moved_inside(lines: Iterable[str], root: pathlib.Path) -> Iterator[str]:
    """Yields a section's lines with its pictures in them.

    Args:
        lines: of a section.html, in which each picture is on one line.
        root: folder of the page, from which the pictures are named.

    Raises:
        DataError: a picture is gone.
    """

    def content(found: re.Match[str]) -> str:
        try:
            jpeg = (root / found[0]).read_bytes()
        except OSError as error:
            raise DataError(
                f"{root / found[0]}: cannot be read: {error.strerror}; run again with "
                "--noresume"
            ) from error
        return f"data:image/jpeg;base64,{as_text(jpeg)}"

    for line in lines:
        yield _SOURCE.sub(content, line)
