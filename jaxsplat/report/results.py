"""Results of one category: a line per query, kept through every kind of ending."""

import io
import json
import os
import pathlib
import shutil
import zipfile
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Shaped

from jaxsplat.core.cameras import Camera
from jaxsplat.data import atomic
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import figures, files, names, poses

RESULTS = "results.jsonl"
_OWNED_FILES = (RESULTS, "poses.json", "scene.ply", "fit.json")
_OWNED_FOLDERS = ("maps", "queries", "checkpoint")


class CategoryFolder:
    """The folder of one category.

    Attributes:
        path: the folder.
        results: what is finished, by the name of the query, in the order of the file.
        scene_path: where the Gaussians stand, `scene.ply`.
        fit_path: where numbers of the fit stand, `fit.json`; see `files.write_json`.
        checkpoint_path: folder for an unfinished fit.
    """

    def __init__(self, path: pathlib.Path, config_hash: str) -> None:
        """Opens or makes the folder and reads what is finished.

        A last line that was cut while it was written is dropped, and so is one whose
        arrays are missing or damaged: those queries are to be done again.

        Raises:
            ConfigError: results were made with other settings.
            DataError: a line before the last is not a result.
        """
        self.path = path
        self.scene_path = path / "scene.ply"
        self.fit_path = path / "fit.json"
        self.checkpoint_path = path / "checkpoint"
        self._hash = config_hash
        path.mkdir(parents=True, exist_ok=True)
        self.results: dict[str, dict[str, object]] = self._read()

    def append(
        self,
        name: str,
        record: Mapping[str, object],
        arrays: Mapping[str, Shaped[np.ndarray, "..."]] | None = None,
    ) -> None:
        """Adds a finished query; once this returns, it survives a kill.

        Args:
            name: the view's name; each at most once.
            record: its numbers and words, without NaN.
            arrays: what the report and the pixel metrics need of it, such as the map
                and the render; read them back with `load_arrays`.
        """
        if name in self.results:
            raise ValueError(f"{name!r} has a result already")
        has_arrays = arrays is not None
        line = {"name": name, "config": self._hash, "arrays": has_arrays, **record}
        text = files.dump_json(line)
        if arrays is not None:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, allow_pickle=False, **arrays)
            atomic.write_bytes(self._arrays_path(name), buffer.getvalue())
        _append_line(self.path / RESULTS, text)
        self.results[name] = json.loads(text)

    def load_arrays(self, name: str) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Returns the arrays that `append` was given for a query.

        Raises:
            DataError: they are missing or damaged.
        """
        path = self._arrays_path(name)
        try:
            # Read whole: NumPy leaves a damaged archive's file open.
            data = io.BytesIO(path.read_bytes())
            with np.load(data, allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path}: the arrays of {name!r} cannot be read ({error})"
            ) from error

    def write_map(
        self, name: str, values: np.ndarray, scale: tuple[float, float]
    ) -> pathlib.Path:
        """Writes a query's heat map as PNG below `maps` and returns its path.

        Args:
            name: the view's name.
            values: anomaly per pixel, [h, w].
            scale: values of the coldest and the hottest colour.
        """
        path = self.path / "maps" / names.safe_path(name, ".png")
        atomic.write_bytes(path, figures.encode_png(figures.heat_map(values, scale)))
        return path

    def write_poses(self, intrinsics: Camera, rows: Iterable[poses.PoseRow]) -> None:
        """Writes poses.json; see `poses.transforms`."""
        record = poses.transforms(intrinsics, rows)
        files.write_json(self.path / "poses.json", record)

    def _arrays_path(self, name: str) -> pathlib.Path:
        return self.path / "queries" / names.safe_path(name, ".npz")

    def _read(self) -> dict[str, dict[str, object]]:
        path = self.path / RESULTS
        if not path.exists():
            # Marks the folder as a run's own before the first query is done.
            files.write_text(path, "")
            return {}
        data = path.read_bytes()
        lines = data.split(b"\n")
        # A whole file ends with a line feed, so that nothing follows the last one.
        number_whole = len(lines) - 1
        results: dict[str, dict[str, object]] = {}
        for number, line in enumerate(lines[:number_whole], start=1):
            try:
                record = self._parse(line, f"{path}, line {number}")
            except DataError:
                if number == number_whole:
                    break
                raise
            name = str(record["name"])
            if name in results:
                raise DataError(f"{path}, line {number}: {name!r} is there twice")
            if not record.get("arrays") or self._has_arrays(name):
                results[name] = record
        text = "".join(files.dump_json(record) + "\n" for record in results.values())
        if text.encode() != data:
            files.write_text(path, text)
        return results

    def _has_arrays(self, name: str) -> bool:
        try:
            self.load_arrays(name)
        except DataError:
            return False
        return True

    def _parse(self, line: bytes, where: str) -> dict[str, object]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{where}: is not JSON ({error}); remove it, or begin afresh with "
                "--noresume"
            ) from error
        if not isinstance(record, dict) or not {"name", "config"} <= record.keys():
            raise DataError(
                f"{where}: is not a result (expected an object with `name` and "
                "`config`); remove it, or begin afresh with --noresume"
            )
        if record["config"] != self._hash:
            raise ConfigError(
                f"{where}: was made with other settings; choose another folder with "
                "--out, or begin afresh with --noresume"
            )
        return record


def _append_line(path: pathlib.Path, text: str) -> None:
    with open(path, "ab", buffering=0) as file:
        length = file.tell()
        try:
            left = f"{text}\n".encode()
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            # Half a line would spoil the next one.
            file.truncate(length)
            raise


def clear(path: pathlib.Path) -> None:
    """Removes what a run wrote into a category's folder, and the folder if empty."""
    for name in _OWNED_FILES:
        (path / name).unlink(missing_ok=True)
    for name in _OWNED_FOLDERS:
        shutil.rmtree(path / name, ignore_errors=True)
    if not any(path.iterdir()):
        path.rmdir()
