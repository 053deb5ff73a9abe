"""The lines of results.jsonl: one per finished query, appended, read back, judged."""

import json
import os
import pathlib
from collections.abc import Callable, Iterable

from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import files

Result = dict[str, object]


def append(path: pathlib.Path, text: str) -> None:
    """Adds a line, whole or not at all; once this returns, it survives a kill."""
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


def write(path: pathlib.Path, results: Iterable[Result]) -> None:
    """Replaces the file by these results, atomically."""
    files.write_pieces(path, (files.dump_json(result) + "\n" for result in results))


def read(
    path: pathlib.Path, config_hash: str, is_whole: Callable[[Result], bool]
) -> dict[str, Result]:
    """Returns what is finished by name, and removes other lines from the file.

    Args:
        path: the file; an empty one is made when it is not there.
        config_hash: of the settings that results must have been made with.
        is_whole: whether what belongs to a result beside its line is there.

    Raises:
        ConfigError: results were made with other settings.
        DataError: a line before the last is not a result. The last one may have been
            cut while it was written.
    """
    data = path.read_bytes() if path.exists() else None
    lines = (data or b"").split(b"\n")
    # A whole file ends with a line feed, so that nothing follows the last one.
    number_whole = len(lines) - 1
    results: dict[str, Result] = {}
    for number, line in enumerate(lines[:number_whole], start=1):
        try:
            result = _parse(line, config_hash, f"{path}, line {number}")
        except DataError:
            if number == number_whole:
                break
            raise
        name = str(result["name"])
        if name in results:
            raise DataError(f"{path}, line {number}: {name!r} is there twice")
        results[name] = result
    results = {name: result for name, result in results.items() if is_whole(result)}
    text = "".join(files.dump_json(result) + "\n" for result in results.values())
    if text.encode() != data:
        write(path, results.values())
    return results


def peek(path: pathlib.Path) -> dict[str, Result]:
    """Returns what is finished by name, and leaves the file as it is.

    For readers beside a run, which may be writing: a last line that is not whole yet is
    passed over.

    Raises:
        DataError: the file cannot be read, or a line before the last is not a result.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    found = [
        _result(line, f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
    ]
    return {str(result["name"]): result for result in found}


def _parse(line: bytes, config_hash: str, where: str) -> Result:
    result = _result(line, where)
    if result["config"] != config_hash:
        raise ConfigError(
            f"{where}: was made with other settings; choose another folder with "
            "--out, or begin afresh with --noresume"
        )
    return result


def _result(line: bytes, where: str) -> Result:
    try:
        result = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: is not JSON ({error}); remove it, or begin afresh with "
            "--noresume"
        ) from error
    if not isinstance(result, dict) or not {"name", "config"} <= result.keys():
        raise DataError(
            f"{where}: is not a result (expected an object with `name` and "
            "`config`); remove it, or begin afresh with --noresume"
        )
    return result
