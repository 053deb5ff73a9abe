"""Strict reading of JSON: what is not plainly right is refused by name."""

import dataclasses
import hashlib
import json
import math
import pathlib
import re
from typing import Any, NoReturn

import numpy as np
from jaxtyping import Float

from jaxsplat.errors import DataError

# A hundred thousand frames fit; what is larger is not a list of camera poses.
MAX_JSON_BYTES = 64 * 2**20
# No coordinate needs more; beyond 4300 digits Python itself refuses.
_MAX_INTEGER_DIGITS = 40
_TEXT_OR_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[-+.\w]+')


def _shown(value: object) -> str:
    """Returns a short text of a value for a message."""
    if isinstance(value, (dict, list)):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}"
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


@dataclasses.dataclass(frozen=True)
class Fields:
    """The members of one JSON object, with where it stands for messages.

    Attributes:
        file: path of the file as text.
        place: path inside the file, such as "frames[3]"; empty at the top.
        members: the parsed members.
        digest: SHA-256 of the file's bytes in hexadecimal; empty below the top.
    """

    file: str
    place: str
    members: dict[str, Any]
    digest: str = ""

    def __contains__(self, key: str) -> bool:
        return key in self.members

    def error(self, key: str, found: str, expected: str) -> DataError:
        """Returns the error that says what is wrong with the member `key`."""
        place = f"{self.place}.{key}" if self.place else key
        return DataError(f"{self.file}: {place}: found {found}, expected {expected}")

    def number(self, key: str) -> float:
        """Returns a finite number.

        Raises:
            DataError: the member is absent or not a number; true is none.
        """
        value = self._member(key, "a number")
        if not _is_number(value):
            raise self.error(key, _shown(value), "a number")
        return float(value)

    def optional_number(self, key: str) -> float | None:
        """Returns a finite number, or None where the member is absent."""
        return self.number(key) if key in self else None

    def text(self, key: str) -> str:
        """Returns a text.

        Raises:
            DataError: the member is absent or not a text.
        """
        value = self._member(key, "text")
        if not isinstance(value, str):
            raise self.error(key, _shown(value), "text")
        return value

    def objects(self, key: str) -> tuple["Fields", ...]:
        """Returns a list of objects.

        Raises:
            DataError: the member is absent, no list, or one of its items no object.
        """
        values = self._member(key, "a list of objects")
        if not isinstance(values, list):
            raise self.error(key, _shown(values), "a list of objects")
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise self.error(f"{key}[{index}]", _shown(value), "an object")
        prefix = f"{self.place}.{key}" if self.place else key
        return tuple(
            Fields(self.file, f"{prefix}[{index}]", value)
            for index, value in enumerate(values)
        )

    def matrix(self, key: str) -> Float[np.ndarray, "rows columns"]:
        """Returns a rectangular list of lists of numbers as float64.

        Raises:
            DataError: the member is absent, ragged, empty, or holds no numbers.
        """
        expected = "rows of equally many numbers"
        rows = self._member(key, expected)
        if not isinstance(rows, list) or not rows:
            raise self.error(key, _shown(rows), expected)
        for index, row in enumerate(rows):
            if not isinstance(row, list) or not row or len(row) != len(rows[0]):
                raise self.error(f"{key}[{index}]", _shown(row), expected)
            for column, value in enumerate(row):
                if not _is_number(value):
                    place = f"{key}[{index}][{column}]"
                    raise self.error(place, _shown(value), "a number")
        return np.array(rows, dtype=np.float64)

    def _member(self, key: str, expected: str) -> Any:
        if key not in self.members:
            raise self.error(key, "nothing", expected)
        return self.members[key]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_json(path: pathlib.Path) -> Fields:
    """Returns the object that a JSON file holds.

    A UTF-8 byte-order mark is accepted.

    Raises:
        DataError: the file cannot be read, is larger than `MAX_JSON_BYTES`, is not
            UTF-8, is not JSON (the message has line and column), holds a key twice, a
            number that is not finite, or something else than an object at the top.
    """
    content = _read(path)
    text = _decoded(path, content)

    def refuse(problem: str) -> NoReturn:
        raise DataError(f"{path}: {problem}")

    def refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    refuse(f"the key {_shown(key)} stands twice in one object")
                seen.add(key)
        return members

    def refuse_infinite(literal: str) -> NoReturn:
        line, column = _place_of(text, literal)
        refuse(
            f"line {line} column {column}: the number {literal[:40]} is not finite; a "
            "frame without a known pose must be left out"
        )

    def finite(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            refuse_infinite(literal)
        return value

    def integer(literal: str) -> int:
        if len(literal) > _MAX_INTEGER_DIGITS:
            refuse(f"a number has {len(literal)} digits")
        return int(literal)

    try:
        value = json.loads(
            text,
            object_pairs_hook=refuse_duplicates,
            parse_constant=refuse_infinite,
            parse_float=finite,
            parse_int=integer,
        )
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: line {error.lineno} column {error.colno}: not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise DataError(f"{path}: lists or objects are nested too deep") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: found {_shown(value)}, expected an object")
    return Fields(str(path), "", value, hashlib.sha256(content).hexdigest())


def _place_of(text: str, literal: str) -> tuple[int, int]:
    """Returns line and column of a number where it first stands outside of texts."""
    for match in _TEXT_OR_WORD.finditer(text):
        # What follows a number may be no JSON, which is found later.
        if match[0].startswith(literal):
            before = text[: match.start()]
            return before.count("\n") + 1, match.start() - before.rfind("\n")
    raise AssertionError(f"{literal} does not stand in the text")


def _read(path: pathlib.Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_JSON_BYTES:
        limit = MAX_JSON_BYTES // 2**20
        raise DataError(f"{path}: larger than {limit} MiB, expected a list of poses")
    return data


def _decoded(path: pathlib.Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4]:
        raise DataError(f"{path}: looks like UTF-16 or UTF-32; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8") from None
