"""Results of one category: a line per query, kept through every kind of ending."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Shaped

from jaxsplat.core.cameras import Camera
from jaxsplat.data import atomic
from jaxsplat.errors import DataError
from jaxsplat.report import figures, files, locks, names, poses, result_lines

RESULTS = "results.jsonl"
SECTION = "section.html"
_OBJECT = "object.json"
_FOREGROUND = "foreground.npz"
# The first one to go says what the others were made from, the last one that the folder
# is a run's own, so that a kill in between leaves nothing that is taken for more.
_OWNED = (
    _OBJECT,
    "detector.json",
    _FOREGROUND,
    "scene.ply",
    "arrays.safetensors",
    "checkpoint",
    "queries",
    "maps",
    "pictures",
    "poses.json",
    SECTION,
    RESULTS,
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the results of one category are; other processes can be sent it.

    Attributes:
        path: the folder.
        config_hash: of the settings that made them.
    """

    path: pathlib.Path
    config_hash: str

    def open(self) -> "CategoryFolder":
        """Opens or makes the folder; see `CategoryFolder`."""
        return CategoryFolder(self.path, self.config_hash)

    def lock(self, seconds: float) -> locks.Lock:
        """Takes the folder for one task, after waiting for one that still ends.

        Raises:
            ConfigError: another one holds it still.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        return locks.Lock(self.path, seconds)


class CategoryFolder:
    """The folder of one category: its detector, and what that found.

    Attributes:
        path: the folder, into which the detector is saved: `detector.json`, `scene.ply`
            and `arrays.safetensors`.
        results: what is finished, by the name of the query, in the order of the file.
        detector_path: `detector.json`, which stands there when the detector is whole.
        checkpoint_path: folder for an unfinished fit.
        foreground_path: where the object was found in training views, `foreground.npz`
            (see `report.foreground`), absent when an older version fitted.
        section_path: the category's part of the page, `section.html`.
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
        self.detector_path = path / "detector.json"
        self.checkpoint_path = path / "checkpoint"
        self.foreground_path = path / _FOREGROUND
        self.section_path = path / SECTION
        self._hash = config_hash
        path.mkdir(parents=True, exist_ok=True)
        self.results = self._read()

    def begin_object(self, digest: str) -> bool:
        """Binds the folder to the photographs that its object is fitted to.

        What was made from other ones is removed: scene, detector, checkpoint, results.

        Args:
            digest: of the photographs and their poses, `ObjectSet.train_digest`.

        Returns:
            Whether something was removed.

        Raises:
            DataError: the stored digest cannot be read.
        """
        path = self.path / _OBJECT
        stored = files.read_json(path) if path.exists() else None
        if stored == {"train_digest": digest}:
            return False
        changed = self._holds_work()
        if changed:
            clear(self.path)
            self.path.mkdir(exist_ok=True)
            self.results = self._read()
        files.write_json(path, {"train_digest": digest})
        return changed

    def forget_changed(self, digests: Mapping[str, str]) -> int:
        """Drops results of queries whose photograph is another one now.

        Args:
            digests: by the view's name, the SHA-256 of its file. Results of queries
                that are not listed stay.

        Returns:
            How many were dropped; they are to be done again.
        """
        changed = [
            name
            for name, digest in digests.items()
            if name in self.results and self.results[name].get("digest") != digest
        ]
        for name in changed:
            del self.results[name]
        if changed:
            result_lines.write(self.path / RESULTS, self.results.values())
        for name in changed:
            arrays_path(self.path, name).unlink(missing_ok=True)
            self._map_path(name).unlink(missing_ok=True)
        return len(changed)

    def append(
        self,
        name: str,
        record: Mapping[str, object],
        arrays: Mapping[str, Shaped[np.ndarray, "..."]] | None,
        digest: str,
    ) -> None:
        """Adds a finished query; once this returns, it survives a kill.

        Args:
            name: the view's name; each at most once.
            record: its numbers and words, without NaN.
            arrays: what the report and the pixel metrics need of it, such as the map
                and the render, None where nothing is; read them back with
                `load_arrays`.
            digest: SHA-256 of the query's file; see `forget_changed`.
        """
        if name in self.results:
            raise ValueError(f"{name!r} has a result already")
        line = {
            "name": name,
            "config": self._hash,
            "digest": digest,
            "arrays": arrays is not None,
            **record,
        }
        text = files.dump_json(line)
        if arrays is not None:
            files.write_arrays(arrays_path(self.path, name), arrays)
        result_lines.append(self.path / RESULTS, text)
        self.results[name] = json.loads(text)

    def load_arrays(self, name: str) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Returns the arrays that `append` was given for a query.

        Raises:
            DataError: they are missing or damaged.
        """
        return files.read_arrays(arrays_path(self.path, name))

    def remove_checkpoint(self) -> None:
        """Removes what an unfinished fit left, once its detector is saved."""
        shutil.rmtree(self.checkpoint_path, ignore_errors=True)

    def write_picture(self, name: str, kind: str, jpeg: bytes) -> str:
        """Writes a picture of a query that the page shows.

        Args:
            name: the view's name.
            kind: what it is, a plain word.
            jpeg: content of the file.

        Returns:
            Where the page, which lies beside the category's folder, finds it; see
            `picture_path`.
        """
        path = picture_path(self.path, name, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        return path.relative_to(self.path.parent).as_posix()

    def write_map(
        self, name: str, values: np.ndarray, scale: tuple[float, float]
    ) -> pathlib.Path:
        """Writes a query's heat map as PNG below `maps` and returns its path.

        Args:
            name: the view's name.
            values: anomaly per pixel, [h, w].
            scale: values of the coldest and the hottest colour.
        """
        path = self._map_path(name)
        atomic.write_bytes(path, figures.encode_png(figures.heat_map(values, scale)))
        return path

    def write_poses(self, intrinsics: Camera, rows: Iterable[poses.PoseRow]) -> None:
        """Writes poses.json; see `poses.transforms`."""
        record = poses.transforms(intrinsics, rows)
        files.write_json(self.path / "poses.json", record)

    def _map_path(self, name: str) -> pathlib.Path:
        return self.path / "maps" / names.safe_path(name, ".png")

    def _read(self) -> dict[str, result_lines.Result]:
        # Makes the file when it is not there: it marks the folder as a run's own before
        # the first query is done.
        return result_lines.read(self.path / RESULTS, self._hash, self._has_arrays)

    def _has_arrays(self, result: result_lines.Result) -> bool:
        if not result.get("arrays"):
            return True
        try:
            self.load_arrays(str(result["name"]))
        except DataError:
            return False
        return True

    def _holds_work(self) -> bool:
        others = (self.path / name for name in _OWNED if name != RESULTS)
        return bool(self.results) or any(path.exists() for path in others)


def arrays_path(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Returns where a category's folder holds the arrays of a query."""
    return folder / "queries" / names.safe_path(name, ".npz")


def picture_path(folder: pathlib.Path, name: str, kind: str) -> pathlib.Path:
    """Returns where a category's folder holds a picture of a query."""
    return folder / "pictures" / names.safe_path(name, f"-{kind}.jpg")


def clear(path: pathlib.Path) -> None:
    """Removes what a run wrote into a category's folder, and the folder if empty."""
    for name in _OWNED:
        item = path / name
        if item.is_dir():
            shutil.rmtree(item)
        else:
            item.unlink(missing_ok=True)
    if not any(path.iterdir()):
        path.rmdir()
