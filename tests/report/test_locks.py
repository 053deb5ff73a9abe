"""The lock on a run's folder: one owner, named to others, gone with its process."""

import errno
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.report import RunFolder, locks


def failing(code: int) -> Callable[[int, int], None]:
    """Returns a flock that fails with an error number."""

    def flock(handle: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    return flock


def test_a_killed_run_leaves_no_lock_behind(tmp_path: pathlib.Path) -> None:
    code = f"""if True:
        import pathlib, sys
        from jaxsplat.report import locks
        lock = locks.Lock(pathlib.Path({str(tmp_path)!r}))
        print("locked", flush=True)
        sys.stdin.read()
        """
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        with pytest.raises(ConfigError, match=f"process {child.pid} on"):
            locks.Lock(tmp_path)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert (tmp_path / locks.FILE_NAME).exists()
    locks.Lock(tmp_path).release()


def test_an_owner_that_has_not_said_who_it_is_still_refuses(
    tmp_path: pathlib.Path,
) -> None:
    lock = locks.Lock(tmp_path)
    (tmp_path / locks.OWNER_NAME).write_text('{"pid": "cut"')
    with pytest.raises(ConfigError, match="another process is writing there"):
        locks.Lock(tmp_path)
    lock.release()


def test_a_lock_is_given_back_once(tmp_path: pathlib.Path) -> None:
    first = locks.Lock(tmp_path)
    first.release()
    second = locks.Lock(tmp_path)
    first.release()
    with pytest.raises(ConfigError, match="is writing there"):
        locks.Lock(tmp_path)
    second.release()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EACCES])
def test_a_folder_that_cannot_be_locked_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(code))
    with pytest.raises(ConfigError, match=f"{tmp_path}: .*--out"):
        RunFolder(tmp_path, {}, resume=True)


def test_without_kernel_locks_the_file_itself_is_the_lock(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOSYS))
    with pytest.warns(UserWarning, match="flock not supported"):
        lock = locks.Lock(tmp_path)
        with pytest.raises(ConfigError, match=f"process {os.getpid()} on"):
            locks.Lock(tmp_path)
        lock.release()
        locks.Lock(tmp_path).release()
    assert not list(tmp_path.iterdir())
