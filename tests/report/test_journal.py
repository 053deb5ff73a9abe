"""A folder of findings through kills, owners and damage."""

import json
import pathlib

import pytest

from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.report.journal import LINES, Journal


def test_a_row_says_where_its_pictures_are(tmp_path: pathlib.Path) -> None:
    journal = Journal(tmp_path / "new", append=True)
    row = journal.add({"id": 1}, {"render": b"png"}, "one")
    assert row == {"id": 1, "heat_map": None, "render": "renders/one.png"}
    assert (tmp_path / "new" / "renders" / "one.png").read_bytes() == b"png"
    assert [*journal.rows()] == [row]
    other = journal.add({"id": 2}, {"level-chroma": b"png"}, "one")
    place = "levels/one-level-chroma.png"
    nothing = {"heat_map": None, "render": None}
    assert other == {"id": 2, **nothing, "level-chroma": place}
    assert (tmp_path / "new" / place).read_bytes() == b"png"
    with pytest.raises(NumericsError):
        journal.add({"score": float("nan")}, {}, "two")
    assert [*journal.rows()] == [row, other]
    journal.close()


def test_only_a_line_that_was_cut_goes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / LINES
    for cut in (b"", b'{"id', b'{"id": 3}'):
        path.write_bytes(b'{"id": 1}\n{"id": 2}\n' + cut)
        journal = Journal(tmp_path, append=True)
        assert [row["id"] for row in journal.rows()] == [1, 2]
        journal.add_line({"id": 4})
        journal.close()
        lines = path.read_text().splitlines()
        assert [json.loads(line)["id"] for line in lines] == [1, 2, 4]
    Journal(tmp_path, append=False).close()
    assert path.read_bytes() == b""


def test_damage_and_a_second_owner_are_told_in_one_line(
    tmp_path: pathlib.Path,
) -> None:
    journal = Journal(tmp_path, append=True)
    with pytest.raises(ConfigError, match="is writing there"):
        Journal(tmp_path, append=True)
    journal.close()
    for line in (b"[1]", b"\xff", b"{"):
        (tmp_path / LINES).write_bytes(b"{}\n" + line + b"\n")
        journal = Journal(tmp_path, append=True)
        with pytest.raises(DataError, match="line 2: is not a JSON object"):
            list(journal.rows())
        journal.close()
