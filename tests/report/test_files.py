"""Files are whole or absent, and JSON holds only what JSON can."""

import json
import math
import pathlib
from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.errors import DataError, NumericsError
from jaxsplat.report import files
from jaxsplat.report.numbers import PoseSummary


def test_write_replaces_and_leaves_nothing_else(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "new" / "a.txt"
    files.write_text(path, "one")
    files.write_text(path, "two\ud800")
    assert path.read_text() == "two?"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_pieces_that_end_in_an_error_leave_the_old_file(
    tmp_path: pathlib.Path,
) -> None:
    def pieces(last: str | None) -> Iterator[str]:
        yield "one "
        if last is None:
            raise OSError("a source is gone")
        yield last

    path = tmp_path / "new" / "a.txt"
    files.write_pieces(path, pieces("two"))
    with pytest.raises(OSError, match="is gone"):
        files.write_pieces(path, pieces(None))
    assert path.read_text() == "one two"
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_json_holds_arrays_dataclasses_and_paths() -> None:
    value = {
        "a": np.float32(0.5),
        "b": np.arange(3),
        "c": jnp.ones((2,)),
        "d": PoseSummary(0.1, None, 0.2, 1.0),
        "e": pathlib.Path("x/y"),
        "f": (None, True),
    }
    assert json.loads(files.dump_json(value)) == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": [1.0, 1.0],
        "d": {
            "rotation_deg_median": 0.1,
            "rotation_deg_p95": None,
            "translation_rel_median": 0.2,
            "success_rate": 1.0,
        },
        "e": "x/y",
        "f": [None, True],
    }


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_json_refuses_what_is_not_finite_by_its_key(number: float) -> None:
    with pytest.raises(NumericsError, match=r"01Penguin\.maps\[1\]"):
        files.dump_json({"01Penguin": {"maps": np.array([0.0, number])}})


def test_json_refuses_other_kinds() -> None:
    with pytest.raises(TypeError, match="key: object"):
        files.dump_json({"key": object()})


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_reading_broken_json_names_the_file(
    tmp_path: pathlib.Path, content: bytes
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json"):
        files.read_json(tmp_path / "a.json")
