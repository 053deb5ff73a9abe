"""A lock on a folder, so that two runs never write into one."""

import json
import os
import pathlib
import socket

import filelock

from jaxsplat.errors import ConfigError
from jaxsplat.report import files

FILE_NAME = ".lock"
# Beside the lock, since taking one may empty its file.
OWNER_NAME = ".lock-owner.json"


class Lock:
    """A lock that is held until `release`, or until the process ends in any way.

    The kernel holds it on the open file, so what a killed process leaves is only the
    file, which is in nobody's way. Where a file system has no such locks, filelock
    writes pid and host into the file and judges by them whether the owner lives.
    """

    def __init__(self, folder: pathlib.Path, seconds: float = 0.0) -> None:
        """Takes the lock.

        Args:
            folder: what it is on.
            seconds: to wait for whoever holds it.

        Raises:
            ConfigError: another run holds it.
            OSError: the folder cannot be written to.
        """
        self._owner_path = folder / OWNER_NAME
        self._lock = filelock.FileLock(folder / FILE_NAME, timeout=seconds)
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise ConfigError(
                f"{folder}: {_owner(self._owner_path)} is writing there; wait for it, "
                "or choose another folder with --out"
            ) from error
        try:
            owner = {"pid": os.getpid(), "host": socket.gethostname()}
            files.write_json(self._owner_path, owner)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "Lock":
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Gives the lock back; a second call does nothing."""
        if self._lock.is_locked:
            # While it is held: whoever opened the file before finds it unlinked.
            for path in (self._owner_path, pathlib.Path(self._lock.lock_file)):
                path.unlink(missing_ok=True)
            self._lock.release()


def _owner(path: pathlib.Path) -> str:
    try:
        owner = json.loads(path.read_bytes())
        return f"process {int(owner['pid'])} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        # It has the lock and has not yet said who it is.
        return "another process"
