"""The folder of one run: who writes there, with which settings, what is finished."""

import hashlib
import os
import pathlib
import shutil
import types
from collections.abc import Collection, Mapping

from jaxsplat.data import atomic
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import files, html, locks, names, results
from jaxsplat.report.versions import versions

# Below this a run cannot even keep one category; better said before the fit.
MIN_FREE_BYTES = 64 * 2**20
_CONFIG = "config.json"
_ROOT_FILES = (_CONFIG, "versions.json", "metrics.json", "report.html")


class RunFolder:
    """A folder that one run writes to; use it as a context manager.

    Attributes:
        path: the folder.
        config: the effective settings.
        config_hash: SHA-256 over the settings that results depend on.
        versions: what `versions.versions` returns.
        warnings: sentences for the user, such as packages that changed since the run
            was begun.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        config: Mapping[str, object],
        *,
        resume: bool,
        free: Collection[str] = (),
    ) -> None:
        """Takes the folder for this run, before any compute.

        Args:
            path: the folder; made when it is not there.
            config: the effective settings.
            resume: go on with what is finished there; otherwise the earlier run's own
                files are removed.
            free: settings that results do not depend on, such as `out`, which may
                change when a run goes on.

        Raises:
            ConfigError: the path is a file, cannot be written to, is full, is in use,
                holds something else than a run, or a run with other settings.
        """
        self.path = pathlib.Path(path)
        self.config = {key: files.plain(value, key) for key, value in config.items()}
        self.config_hash = config_hash(self.config, free)
        self.warnings: list[str] = []
        self._lock = _take(self.path)
        try:
            self.versions = versions()
            if resume:
                self._check_settings(free)
            else:
                self._clear()
            self._begin()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets other runs use the folder."""
        self._lock.release()

    def place(self, name: str) -> results.Place:
        """Returns where the results of a category are."""
        return results.Place(self.path / names.safe_name(name), self.config_hash)

    def category(self, name: str) -> results.CategoryFolder:
        """Returns the folder of a category with its finished results."""
        return self.place(name).open()

    def write_metrics(self, record: Mapping[str, object]) -> pathlib.Path:
        """Writes metrics.json and returns its path; see `summary.metrics_record`."""
        files.write_json(self.path / "metrics.json", record)
        return self.path / "metrics.json"

    def write_report(self, title: str, record: Mapping[str, object]) -> pathlib.Path:
        """Writes report.html and returns its path.

        Args:
            title: heading, in words.
            record: see `summary.metrics_record`; the section of each of its categories
                must be there, see `html_section.write_section`.
        """
        categories = record["categories"]
        assert isinstance(categories, Mapping)
        sections = {
            name: self.path / names.safe_name(name) / results.SECTION
            for name in categories
        }
        path = self.path / "report.html"
        files.write_pieces(path, html.page(title, record, sections))
        return path

    def _check_settings(self, free: Collection[str]) -> None:
        path = self.path / _CONFIG
        if not path.exists():
            self._refuse_foreign()
            return
        record = files.read_json(path)
        if not (isinstance(record, dict) and isinstance(record.get("config"), dict)):
            raise DataError(f"{path}: is not the config.json of a run")
        if record.get("hash") == self.config_hash:
            return
        before = record["config"]
        changed = [
            f"{key}={before.get(key)!r}, now {self.config.get(key)!r}"
            for key in {**before, **self.config}
            if key not in free and before.get(key) != self.config.get(key)
        ]
        raise ConfigError(
            f"{self.path}: holds a run with other settings ({'; '.join(changed)}); "
            "choose another folder with --out, or begin afresh with --noresume"
        )

    def _refuse_foreign(self) -> None:
        others = sorted(
            item.name for item in self.path.iterdir() if item.name[0] != "."
        )
        # A run that was killed right at its start leaves only hidden files.
        if set(others) - set(_ROOT_FILES):
            raise ConfigError(
                f"{self.path}: holds {others[0]!r} and no run ({_CONFIG} is missing); "
                "choose a new or empty folder with --out"
            )

    def _clear(self) -> None:
        if not (self.path / _CONFIG).exists():
            self._refuse_foreign()
        for item in self._category_paths():
            results.clear(item)
        # The settings stay until new ones replace them, so that a kill in between
        # leaves a folder that is known as a run.
        for name in _ROOT_FILES[1:]:
            (self.path / name).unlink(missing_ok=True)

    def _category_paths(self) -> list[pathlib.Path]:
        return [path.parent for path in sorted(self.path.glob(f"*/{results.RESULTS}"))]

    def _begin(self) -> None:
        left = atomic.unfinished(self.path, deep=False)
        for item in self._category_paths():
            left += atomic.unfinished(item, deep=True)
        for path in left:
            path.unlink(missing_ok=True)
        record = {"hash": self.config_hash, "config": self.config}
        files.write_json(self.path / _CONFIG, record)
        path = self.path / "versions.json"
        if path.exists() and (before := files.read_json(path)) != self.versions:
            known = before if isinstance(before, dict) else {}
            changed = [
                f"{key} {known.get(key)} -> {value}"
                for key, value in self.versions.items()
                if known.get(key) != value
            ]
            self.warnings.append(
                f"the run was begun with other versions: {', '.join(changed)}"
            )
        files.write_json(path, self.versions)


def config_hash(config: Mapping[str, object], free: Collection[str] = ()) -> str:
    """Returns the SHA-256 of the settings that are not `free`, in any order."""
    bound = {key: config[key] for key in sorted(config) if key not in free}
    return hashlib.sha256(files.dump_json(bound).encode()).hexdigest()


def _take(path: pathlib.Path) -> locks.Lock:
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path}: is a file; --out expects a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
        available = shutil.disk_usage(path).free
        if available < MIN_FREE_BYTES:
            raise ConfigError(
                f"{path}: {available / 2**20:.0f} MiB are free there, a run needs at "
                f"least {MIN_FREE_BYTES / 2**20:.0f} MiB"
            )
        return locks.Lock(path)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written to ({error.strerror}); choose another folder "
            "with --out"
        ) from error
