"""What README.md and the files of docs/ hold: code blocks and commands."""

import dataclasses
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).parents[2]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# Before a block that no test runs; the reason follows.
NOT_RUN = "<!-- not run: "
_BLOCK = re.compile(
    rf"(?:^{NOT_RUN}(.*?) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(
    r"`((?:JAX_PLATFORMS=cpu )?python -m experiments\.[^`]*)`", re.DOTALL
)
_MODULE = re.compile(r"python -m (experiments\.[\w.]+|jaxsplat) ?(.*)", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        file: that holds it.
        language: as it is named there, "" for plain text.
        text: what it holds.
        reason: why no test runs it, "" where one does.
    """

    file: pathlib.Path
    language: str
    text: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Command:
    """A module that a document starts, and its arguments."""

    module: str
    arguments: tuple[str, ...]


def blocks(file: pathlib.Path) -> list[Block]:
    """Returns the code blocks of a file, in order."""
    return [
        Block(file, language, text, reason or "")
        for reason, language, text in _BLOCK.findall(file.read_text())
    ]


def lines(text: str) -> list[str]:
    """Returns the commands of a shell block, without comments and continued lines."""
    whole = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [
        part.strip()
        for line in whole
        for part in re.sub(r"\s+#.*", "", line).split("&&")
    ]


def command(line: str) -> Command | None:
    """Returns what a line starts of ours, or None where it is another program."""
    words = " ".join(line.removeprefix("JAX_PLATFORMS=cpu ").split())
    found = _MODULE.fullmatch(re.sub(r" > \S+$", "", words))
    if found is None:
        return None
    module, rest = found[1], shlex.split(found[2])
    if module == "jaxsplat" and rest:
        module = f"jaxsplat {rest.pop(0)}"
    return Command(module, tuple(rest))


def commands(file: pathlib.Path) -> list[Command]:
    """Returns every command of ours that a file names, in blocks and in the text."""
    told = [
        line
        for block in blocks(file)
        if block.language == "sh"
        for line in lines(block.text)
    ]
    found = [command(line) for line in [*told, *_INLINE.findall(file.read_text())]]
    return [one for one in found if one is not None]
