"""A folder of findings: a row for each photograph, and its pictures."""

import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from jaxsplat.data import atomic
from jaxsplat.errors import DataError
from jaxsplat.report import files, locks, result_lines

LINES = "results.jsonl"
KINDS = ("heat_map", "render")


class Journal:
    """The rows of a folder; one process at a time has it.

    Attributes:
        folder: where `results.jsonl` stands, and `heat_maps` and `renders`.
    """

    def __init__(self, folder: pathlib.Path, *, append: bool) -> None:
        """Takes the folder, which is made when it is not there.

        Args:
            folder: for rows and pictures.
            append: keep the rows that are there. A last line that was cut while it was
                written is removed: nobody was told of it.

        Raises:
            ConfigError: another process has the folder.
            OSError: it cannot be written to.
        """
        self.folder = folder
        self._path = folder / LINES
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = locks.Lock(folder)
        try:
            with self._path.open("ab" if append else "wb"):
                pass
            _remove_cut_line(self._path)
        except BaseException:
            self.close()
            raise

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields the rows one after another.

        Raises:
            DataError: a line is not a row.
        """
        with self._path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                if not isinstance(row, dict):
                    raise DataError(
                        f"{self._path}, line {number}: is not a JSON object; remove "
                        "it, or choose another folder with --out"
                    )
                yield row

    def add(
        self, row: Mapping[str, Any], pictures: Mapping[str, bytes], stem: str
    ) -> dict[str, Any]:
        """Writes pictures and then a row; once this returns, they survive a kill.

        Args:
            row: for JSON, without NaN.
            pictures: PNG files by their kind: `KINDS`, and those of levels.
            stem: of their names.

        Returns:
            The row with the places of its pictures, None where there is none.

        Raises:
            OSError: the disk is full or refuses; then there is no row.
        """
        places = {
            kind: f"{kind}s/{stem}.png" if kind in pictures else None for kind in KINDS
        }
        levels = [kind for kind in pictures if kind not in KINDS]
        places |= {kind: f"levels/{stem}-{kind}.png" for kind in levels}
        for kind, place in places.items():
            if place is not None:
                atomic.write_bytes(self.folder / place, pictures[kind])
        whole = {**row, **places}
        self.add_line(whole)
        return whole

    def add_line(self, line: Mapping[str, Any]) -> None:
        """Writes a line that has no pictures, as `add` does."""
        result_lines.append(self._path, files.dump_json(line))

    def close(self) -> None:
        """Gives the folder back."""
        self._lock.release()


def _remove_cut_line(path: pathlib.Path) -> None:
    whole = 0
    with path.open("rb+") as file:
        for line in file:
            whole += len(line) if line.endswith(b"\n") else 0
        file.truncate(whole)
