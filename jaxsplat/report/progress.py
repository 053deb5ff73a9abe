"""The line that tells a person how far a run is."""

import io
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import TextIO

Stream = TextIO | io.TextIOBase

_SECONDS_BETWEEN = 0.1  # a person reads no faster, and terminals over ssh are slow
_CLEAR = "\r\x1b[K"
_LABELS: Mapping[str, Callable[[float], str]] = {
    "psnr": lambda value: f"PSNR {value:.2f}",
    "gaussians": lambda value: f"{value:,.0f} Gaussians",
    "loss": lambda value: f"loss {value:.4f}",
}


class Progress:
    """One line on stderr while a person watches, nothing at all in a log."""

    def __init__(
        self, stream: io.TextIOBase | None = None, enabled: bool = True
    ) -> None:
        """Looks whether a person watches.

        Args:
            stream: where the line goes, stderr by default.
            enabled: false for a quiet run.
        """
        self._stream: Stream = sys.stderr if stream is None else stream
        self._enabled = enabled and _is_watched(self._stream)
        self._object = ""
        self._stage = ""
        self._stage_start = 0.0
        self._next = 0.0
        self._shown = False

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def begin(self, name: str, index: int, total: int) -> None:
        """Starts an object, the `index`-th of `total`, counted from 1."""
        self._object = f"{name} {index}/{total}"
        self._stage = ""

    def update(self, stage: str, step: int, total: int, **numbers: float | int) -> None:
        """Shows that `step` of `total` steps of a stage are done.

        Args:
            stage: what is being done, such as "fit".
            step: steps done.
            total: steps in all.
            **numbers: what else to show, such as `psnr` and `gaussians`.
        """
        if not self._enabled:
            return
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._stage_start, self._next = stage, now, now
        if now < self._next and step < total:
            return
        self._next = now + _SECONDS_BETWEEN
        parts = [self._object, stage, f"{step}/{total}"]
        parts += [_labelled(name, value) for name, value in numbers.items()]
        if 0 < step < total:
            left = (now - self._stage_start) / step * (total - step)
            parts.append(f"ETA {_clock(left)}")
        self._show("  ".join(part for part in parts if part))

    def say(self, text: str) -> None:
        """Prints a result on stdout, above the line; a closed stdout is no error."""
        self.clear()
        try:
            print(text, flush=True)
        except (BrokenPipeError, ValueError):
            silence_stdout()

    def note(self, text: str) -> None:
        """Prints a remark for the log on stderr, above the line."""
        self.clear()
        self._write(_printable(text) + "\n")

    def clear(self) -> None:
        """Removes the line."""
        if self._shown:
            self._write(_CLEAR)
            self._shown = False

    def _show(self, text: str) -> None:
        self._write(_CLEAR + _cut(_printable(text), _columns(self._stream) - 1))
        self._shown = True

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "ascii"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            self._enabled = False


def silence_stdout() -> None:
    """Leads stdout nowhere, for when its reader, such as `head`, has left.

    The run folder holds the results all the same, and the interpreter's last flush
    finds an open file.
    """
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        sys.stdout = None


def _columns(stream: Stream) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _is_watched(stream: Stream | None) -> bool:
    try:
        watched = stream is not None and stream.isatty()
    except (OSError, ValueError):
        return False
    return watched and os.environ.get("TERM", "dumb") != "dumb"


def _labelled(name: str, value: float | int) -> str:
    label = _LABELS.get(name)
    return label(value) if label else f"{name} {value:g}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _cut(text: str, columns: int) -> str:
    """Returns the start of the text that fills at most so many terminal columns."""
    used = 0
    for position, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used > columns:
            return text[:position]
    return text
