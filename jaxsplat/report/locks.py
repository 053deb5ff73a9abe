"""A lock on a folder, so that two runs never write into one."""

import errno
import fcntl
import json
import os
import pathlib
import socket

from jaxsplat.errors import ConfigError

FILE_NAME = ".lock"
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)


class Lock:
    """A lock that is held until `release`, or until the process ends in any way.

    The kernel holds it on the open file, so what a killed process leaves is only the
    file, which the next run recognises as stale. The file's text, pid and host, is for
    messages, and for file systems without locks.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Takes the lock.

        Raises:
            ConfigError: another run holds it.
            OSError: the folder cannot be written to.
        """
        self.path = folder / FILE_NAME
        self._handle = self._acquire()
        os.ftruncate(self._handle, 0)
        owner = {"pid": os.getpid(), "host": socket.gethostname()}
        os.write(self._handle, json.dumps(owner).encode())

    def release(self) -> None:
        """Gives the lock back and removes its file; a second call does nothing."""
        if self._handle >= 0:
            self.path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1

    def _acquire(self) -> int:
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                self._lock(handle)
                # The owner may have removed the file between our two calls.
                if self._is_current(handle):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _lock(self, handle: int) -> None:
        pid, host = _read_owner(handle)
        owner = f"process {pid} on {host}" if pid else "another process"
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(
                f"{self.path.parent}: {owner} is writing there; wait for it, or choose "
                "another folder with --out"
            ) from error
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            if pid and (host != socket.gethostname() or _is_alive(pid)):
                raise ConfigError(
                    f"{self.path.parent}: {owner} may be writing there; if it has "
                    f"ended, remove {self.path}, or choose another folder with --out"
                ) from error

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self.path))
        except FileNotFoundError:
            return False


def _read_owner(handle: int) -> tuple[int, str]:
    """Returns pid and host, or (0, "") where the text is cut or foreign."""
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return int(owner["pid"]), str(owner["host"])
    except (ValueError, KeyError, TypeError):
        return 0, ""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
