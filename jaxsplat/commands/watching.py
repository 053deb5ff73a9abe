"""Photographs as they come into folders, and the wish to stop."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence

from jaxsplat.data import paths
from jaxsplat.report import findings

# A file is whole when nothing of it has changed for so many looks.
_STEADY = 2
# One that could not be read may still be written by someone slow: so many looks more.
_PATIENCE = 5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SLICE_SECONDS = 0.1

Stamp = tuple[int, int, int]


@dataclasses.dataclass
class _File:
    """A file as it was seen last.

    Attributes:
        stamp: inode, size and time of change.
        looks: how often in a row it was the same.
        needed: looks after which it is inspected.
        is_done: whether it was inspected as it is.
    """

    stamp: Stamp
    looks: int = 1
    needed: int = _STEADY
    is_done: bool = False


class Arrivals:
    """The photographs of folders that are to be inspected now.

    What it keeps is one record for each file that is there.
    """

    def __init__(
        self,
        folders: Sequence[pathlib.Path],
        note: Callable[[str], None],
        judged: Mapping[str, tuple[int, int]],
    ) -> None:
        """Looks at nothing yet.

        Args:
            folders: to watch; folders in them are not.
            note: takes remarks on folders that cannot be listed.
            judged: size and time of change, by its printable path, of each photograph
                that was inspected before; as long as it is the same, it is done.
        """
        self._judged = judged
        self._files: dict[pathlib.Path, dict[str, _File]] = {f: {} for f in folders}
        self._note = note
        self._missing: set[pathlib.Path] = set()

    @property
    def waiting(self) -> tuple[pathlib.Path, ...]:
        """The files that were seen and are not inspected as they are."""
        return tuple(
            folder / name
            for folder, known in self._files.items()
            for name, file in known.items()
            if not file.is_done
        )

    def look(self) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
        """Looks once.

        Returns:
            The files that are whole and not inspected, oldest first, and those that
            went away before they were inspected.
        """
        due: list[tuple[int, pathlib.Path]] = []
        gone: list[pathlib.Path] = []
        for folder, known in self._files.items():
            stamps = self._stamps(folder)
            if stamps is None:
                continue
            for name in known.keys() - stamps.keys():
                if not known.pop(name).is_done:
                    gone.append(folder / name)
            for name, stamp in stamps.items():
                file = known.get(name)
                if file is None or file.stamp != stamp:
                    before = self._judged.get(findings.printable(folder / name))
                    known[name] = _File(stamp, is_done=before == stamp[1:])
                    continue
                file.looks += 1
                if not file.is_done and file.looks >= file.needed:
                    due.append((stamp[2], folder / name))
        return [path for _, path in sorted(due)], gone

    def stamp(self, path: pathlib.Path) -> tuple[int, int]:
        """Returns size and time of change in nanoseconds of a file that `look` gave."""
        return self._files[path.parent][path.name].stamp[1:]

    def may_tell(self, path: pathlib.Path, is_read: bool) -> bool:
        """Takes note that a file was inspected; returns whether to tell the finding.

        Args:
            path: that `look` gave.
            is_read: whether it could be read. One that could not is looked at again,
                as it may not be whole yet, until it has stayed the same for long.
        """
        file = self._files[path.parent][path.name]
        if not is_read and file.needed < _PATIENCE:
            file.needed = _PATIENCE
            return False
        file.is_done = True
        return True

    def _stamps(self, folder: pathlib.Path) -> dict[str, Stamp] | None:
        """Returns the images of a folder, None where it cannot be listed now."""
        try:
            listed = os.listdir(folder)
        except OSError as error:
            if folder not in self._missing:
                self._note(f"{folder}: cannot be listed: {error.strerror}; still tried")
            self._missing.add(folder)
            return None
        if folder in self._missing:
            self._note(f"{folder}: is there again")
            self._missing.discard(folder)
        stamps = {}
        for name in filter(paths.is_image_name, listed):
            path = folder / name
            with contextlib.suppress(OSError):
                # A link that leads nowhere is a file that cannot be read.
                found = os.stat(path) if path.exists() else os.lstat(path)
                stamps[name] = (found.st_ino, found.st_size, found.st_mtime_ns)
        return stamps


class Stop:
    """Whether a signal asked to stop, and sleep that ends when one does."""

    def __init__(self) -> None:
        self.is_asked = False

    def sleep(self, seconds: float) -> None:
        """Sleeps, but ends soon after a signal."""
        end = time.monotonic() + seconds
        while not self.is_asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Makes the first SIGINT or SIGTERM a wish; a second one has its usual effect."""
    stop = Stop()
    before = {
        number: signal.getsignal(number)
        for number in _SIGNALS
        if signal.getsignal(number) != signal.SIG_IGN
    }

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: types.FrameType | None) -> None:
        stop.is_asked = True
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()
