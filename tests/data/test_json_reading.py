"""Strict JSON: what Python's reader takes and we do not, and the other way round."""

import json
import pathlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxsplat.data import json_reading
from jaxsplat.errors import DataError

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_same_folder = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _fields(**members: object) -> json_reading.Fields:
    return json_reading.Fields("a.json", "frames[2]", members)


@_same_folder
@given(content=st.dictionaries(st.text(), _values))
def test_reads_what_json_writes(tmp_path: pathlib.Path, content: dict) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert json_reading.read_json(path).members == content


@_same_folder
@given(content=st.binary(max_size=60))
def test_any_bytes_give_fields_or_a_data_error(
    tmp_path: pathlib.Path, content: bytes
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    try:
        json_reading.read_json(path)
    except DataError as error:
        assert "a.json" in str(error)


@_same_folder
@given(content=st.dictionaries(st.sampled_from("abc"), _values), data=st.data())
def test_a_cut_file_is_refused(
    tmp_path: pathlib.Path, content: dict, data: st.DataObject
) -> None:
    text = json.dumps(content)
    path = tmp_path / "a.json"
    path.write_text(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(DataError, match="a.json: line"):
        json_reading.read_json(path)


def test_size_is_checked_before_parsing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.truncate(500 * 2**20)
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(DataError, match="larger than 64 MiB"):
        json_reading.read_json(path)


def test_line_and_column(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n "a": 1,\n "b" 2\n}')
    with pytest.raises(DataError, match="a.json: line 3 column 6: not JSON"):
        json_reading.read_json(path)


def test_getters() -> None:
    fields = _fields(n=3, t="x", o=[{"a": 1}], m=[[1, 2.5], [3, 4]])
    assert fields.number("n") == 3.0
    assert fields.optional_number("absent") is None
    assert fields.text("t") == "x"
    assert fields.objects("o")[0].place == "frames[2].o[0]"
    np.testing.assert_array_equal(fields.matrix("m"), [[1, 2.5], [3, 4]])


@pytest.mark.parametrize("value", [None, True, "1", [], {}])
def test_not_a_number(value: object) -> None:
    with pytest.raises(DataError, match=r"a.json: frames\[2\].n: found .*a number"):
        _fields(n=value).number("n")


@pytest.mark.parametrize("value", [None, True, "1", [], {}, [[]], [[1], [1, 2]], [1]])
def test_not_a_matrix(value: object) -> None:
    with pytest.raises(DataError, match=r"a.json: frames\[2\].n.*found"):
        _fields(n=value).matrix("n")


def test_long_values_are_shortened() -> None:
    with pytest.raises(DataError) as caught:
        _fields(n="x" * 5000).number("n")
    assert len(str(caught.value)) < 200
