"""metrics.json has the promised keys, and the table the same numbers."""

import dataclasses
import json
import math

import pytest

from jaxsplat.errors import NumericsError
from jaxsplat.report import (
    CalibrationSummary,
    CategoryMetrics,
    PartSummary,
    PoseSummary,
    QuerySeconds,
    Seconds,
    VerdictSummary,
    metrics_record,
    text_table,
)
from jaxsplat.report.files import dump_json
from jaxsplat.report.summary import mean_of_runs, spread

SECONDS = Seconds(300.5, 12.0, QuerySeconds(0.3, 1.5, 0.2, 2.0), 40.0)
POSE = PoseSummary(0.125, 0.5, 0.002, 0.75)
FULL = CategoryMetrics(
    *(0.9, 0.98, 0.85, 0.5, 0.8, 0.6, 0.4, 32.5, 40_000, 23, SECONDS, POSE),
    calibration=CalibrationSummary(2.5, 0.05, 19, 0.05),
    verdict=VerdictSummary(0.0, 0.95, 0.25),
    parts=PartSummary(6, 4.5, 1.0, None, 1.0, 0.5),
)
BARE = CategoryMetrics(
    image_auroc=None,
    pixel_auroc=0.9,
    aupro=None,
    pixel_ap=None,
    image_f1_max=None,
    pixel_f1_max=None,
    aupimo=None,
    psnr=None,
    gaussians=20_000,
    queries=7,
    seconds=SECONDS,
    reasons={"image_auroc": "no good query"},
)


def test_the_record_has_the_promised_keys() -> None:
    record = metrics_record({"01Penguin": FULL}, {"seed": 0, "a": (1,)}, {"jax": "1"})
    expected = {
        "image_auroc": 0.9,
        "pixel_auroc": 0.98,
        "aupro": 0.85,
        "pixel_ap": 0.5,
        "image_f1_max": 0.8,
        "pixel_f1_max": 0.6,
        "aupimo": 0.4,
        "psnr": 32.5,
        "gaussians": 40_000,
        "queries": 23,
        "pose": {
            "rotation_deg_median": 0.125,
            "rotation_deg_p95": 0.5,
            "translation_rel_median": 0.002,
            "success_rate": 0.75,
        },
        "seconds": {
            "fit": 300.5,
            "gallery": 12.0,
            "per_query": {"coarse": 0.3, "refine": 1.5, "features": 0.2, "total": 2.0},
            "compile": 40.0,
        },
        "calibration": {
            "threshold": 2.5,
            "nominal_fpr": 0.05,
            "views": 19,
            "guarantee": 0.05,
        },
        "verdict": {"fpr": 0.0, "detection_rate": 0.95, "not_judged": 0.25},
        "parts": {
            "count": 6,
            "photographs": 4.5,
            "auroc": 1.0,
            "fpr": None,
            "detection_rate": 1.0,
            "not_judged": 0.5,
        },
    }
    assert json.loads(dump_json(record)) == {
        "categories": {"01Penguin": expected},
        "mean": expected,
        "config": {"seed": 0, "a": [1]},
        "versions": {"jax": "1"},
    }


def test_the_mean_leaves_out_what_is_undefined() -> None:
    record = metrics_record({"a": FULL, "b": BARE}, {}, {})
    rows, mean = record["categories"], record["mean"]
    assert isinstance(rows, dict) and isinstance(mean, dict)
    assert "pose" not in rows["b"] and "reasons" not in rows["a"]
    assert rows["b"]["reasons"] == {"image_auroc": "no good query"}
    assert mean["image_auroc"] == 0.9
    assert mean["pixel_auroc"] == pytest.approx(0.94)
    assert mean["pose"]["success_rate"] == 0.75
    assert mean["gaussians"] == 30_000
    assert "reasons" not in mean


def test_a_metric_that_no_category_defines_is_null() -> None:
    mean = metrics_record({"b": BARE}, {}, {})["mean"]
    assert isinstance(mean, dict)
    assert mean["psnr"] is None and "pose" not in mean


def test_no_category_at_all_is_no_error() -> None:
    assert metrics_record({}, {}, {})["mean"] == {}
    assert "category" in text_table(metrics_record({}, {}, {}))


def test_a_number_that_is_not_finite_is_named() -> None:
    bad = CategoryMetrics(*[0.9] * 7, math.inf, 1, 1, SECONDS)
    with pytest.raises(NumericsError, match="a.psnr: found inf"):
        metrics_record({"a": bad}, {}, {})


def test_the_table_shows_numbers_names_and_reasons() -> None:
    lines = text_table(metrics_record({"a\x1b[31m": FULL, "b": BARE}, {}, {})).split(
        "\n"
    )
    assert lines[0].split("  ")[0].startswith("category")
    assert lines[2].split()[:6] == [
        "a?[31m",
        "0.900",
        "0.980",
        "0.850",
        "0.500",
        "32.50",
    ]
    assert lines[3].split()[:3] == ["b", "n/a", "0.900"]
    assert lines[4].split()[0] == "mean"
    assert lines[5] == "b: image_auroc is n/a: no good query"
    assert len({len(line) for line in lines[:5]}) == 1


def test_failed_categories_are_told_and_left_out_of_the_mean() -> None:
    failed = {"c\x1b": "0.png is cut\nshort"}
    record = metrics_record({"a": FULL, "b": BARE}, {}, {}, failed)
    assert record["failed"] == failed
    assert record["mean"] == metrics_record({"a": FULL, "b": BARE}, {}, {})["mean"]
    lines = text_table(record).split("\n")
    assert lines[4].split() == ["c?", *["n/a"] * 13]
    assert lines[5].split()[0] == "mean"
    assert lines[6] == "c? failed: 0.png is cut?short"


def test_without_failures_the_record_does_not_speak_of_them() -> None:
    assert "failed" not in metrics_record({"a": FULL}, {}, {}, {})


def test_a_run_in_which_all_failed_has_a_table() -> None:
    lines = text_table(metrics_record({}, {}, {}, {"a": "gone"})).split("\n")
    assert lines[2].split()[:2] == ["a", "n/a"]
    assert lines[3:] == ["a failed: gone"]


def test_one_category_needs_no_mean_row() -> None:
    assert "mean" not in text_table(metrics_record({"a": FULL}, {}, {}))


def test_the_spread_over_runs() -> None:
    records = [{"a": 1.0, "b": {"c": 2}, "d": None}, {"a": 3.0, "b": {"c": 2}}]
    assert spread(records) == {
        "a": {"mean": 2.0, "deviation": math.sqrt(2), "values": [1.0, 3.0]},
        "b": {"c": {"mean": 2.0, "deviation": 0.0, "values": [2.0, 2.0]}},
    }
    one = spread(records[:1])
    assert one["a"] == {"mean": 1.0, "deviation": None, "values": [1.0]}


def test_the_mean_of_runs_has_the_shape_of_one() -> None:
    more = dataclasses.replace(FULL, image_auroc=0.7, gaussians=20_000)
    runs = [metrics_record({"a": x, "b": BARE}, {}, {"jax": "1"}) for x in (FULL, more)]
    record = mean_of_runs(runs, {"seeds": 2})
    rows = record["categories"]
    assert isinstance(rows, dict) and list(rows) == ["a", "b"]
    assert rows["a"]["image_auroc"] == pytest.approx(0.8)
    assert rows["a"]["gaussians"] == 30_000
    assert rows["a"]["pose"] == runs[0]["categories"]["a"]["pose"]  # type: ignore
    assert record["config"] == {"seeds": 2} and record["versions"] == {"jax": "1"}
    assert text_table(record).split("\n")[2].split()[:2] == ["a", "0.800"]


def test_what_failed_in_one_run_has_no_mean() -> None:
    runs = [
        metrics_record({"a": FULL, "b": BARE}, {}, {}),
        metrics_record({"a": FULL}, {}, {}, {"b": "cut short"}),
    ]
    for some in (runs, runs[::-1]):
        record = mean_of_runs(some, {})
        assert list(record["categories"]) == ["a"]  # type: ignore[call-overload]
        assert record["failed"] == {"b": "cut short"}
