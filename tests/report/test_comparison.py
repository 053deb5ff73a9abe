"""Two runs side by side: metrics, differing queries, what only one has."""

import dataclasses
import pathlib

import numpy as np
import pytest

from jaxsplat.errors import DataError
from jaxsplat.report import (
    CategoryReport,
    RunFolder,
    comparison,
    metrics_record,
    write_section,
)
from tests.report.test_html import HOSTILE, METRICS, RIGHT, Tags


def run(
    root: pathlib.Path, defective: bool, auroc: float, *others: str
) -> pathlib.Path:
    """Writes a run with a query `q`, and returns its folder."""
    metrics = dataclasses.replace(METRICS, image_auroc=auroc)
    with RunFolder(root, {}, resume=False) as made:
        for name in ("cat", *others):
            folder = made.category(name)
            record = {
                "defect_type": HOSTILE,
                "score": 1.5,
                "defective": defective,
                "reason": "",
            }
            folder.append(HOSTILE, record, None, "digest")
            folder.append("same", {**record, "defective": True}, None, "digest")
            rows = [dataclasses.replace(RIGHT, name=HOSTILE)]
            write_section(folder, CategoryReport(name, 1, rows, (0.0, 1.0)))
        names = dict.fromkeys(("cat", *others), metrics)
        made.write_metrics(metrics_record(names, {}, {}))
    return root


def test_changes_and_differing_queries_are_told(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path / "a", True, 0.5)
    second = run(tmp_path / "b", False, 0.75, "dog")
    found = comparison.compare(first, second)
    assert found.queries == 2
    (one,) = found.differences
    assert (one.first, one.second) == ("defective, score 1.5", "good, score 1.5")
    (row,) = found.rows
    assert row[1][0] == comparison.Cell("0.500", "0.750", "+0.250")
    assert found.notes == (f"only {second} has dog",)
    lines = comparison.text(found).split("\n")
    assert lines[0] == "cat: image AUROC 0.500 -> 0.750"
    assert lines[1].endswith("defective, score 1.5 -> good, score 1.5")
    text = "".join(comparison.page(found, first, second))
    Tags(text)
    assert text.count("<img ") == 3 and "<script>alert" not in text
    assert "+0.250" in text and "1</b><span>queries judged differently" in text


def test_equal_runs_say_so(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path / "a", True, 0.5)
    found = comparison.compare(first, first)
    assert comparison.text(found) == "cat: the same"
    text = "".join(comparison.page(found, first, first))
    assert "judge all queries that they share alike" in text


def test_what_is_no_finished_run_is_told(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path / "a", True, 0.5)
    with pytest.raises(DataError, match="metrics.json: cannot be read"):
        comparison.compare(first, tmp_path)
    (tmp_path / "metrics.json").write_text("[]")
    with pytest.raises(DataError, match="is not the metrics.json of a run"):
        comparison.compare(first, tmp_path)
    with RunFolder(tmp_path / "b", {}, resume=False) as other:
        other.write_metrics(metrics_record({}, {}, {}, {"cat": "broken"}))
    with pytest.raises(DataError, match="share no category"):
        comparison.compare(first, tmp_path / "b")


def test_pictures_that_are_gone_are_left_out(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path / "a", True, 0.5)
    second = run(tmp_path / "b", False, 0.5)
    found = comparison.compare(first, second)
    for path in (first / "cat" / "pictures").rglob("*.jpg"):
        path.write_bytes(b"")
    text = "".join(comparison.page(found, first, second))
    assert text.count("<img ") == 1
    assert np.char.count(text, "data:image/jpeg") == 1
