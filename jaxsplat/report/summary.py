"""The content of metrics.json."""

import math
import statistics
from collections.abc import Mapping, Sequence

from jaxsplat.report import files
from jaxsplat.report.numbers import CategoryMetrics

Record = dict[str, object]


def metrics_record(
    categories: Mapping[str, CategoryMetrics],
    config: Mapping[str, object],
    versions: Mapping[str, object],
    failed: Mapping[str, str] | None = None,
) -> Record:
    """Returns the content of metrics.json.

    Args:
        categories: the numbers of each category, in the order of the report.
        config: the effective settings.
        versions: what `versions.versions` returns.
        failed: for each category that has no numbers, why.

    Returns:
        `categories`, `mean` (of each number over the categories that define it),
        `config` and `versions`, and `failed` only where a category did. `pose` stands
        only where true poses are known, `reasons` only where a metric is undefined,
        `calibration` and `verdict` only where there are verdicts, `parts` only where
        queries belong together.

    Raises:
        NumericsError: a number is NaN or infinite.
    """
    rows = {name: _category(name, metrics) for name, metrics in categories.items()}
    record: Record = {
        "categories": rows,
        "mean": mean(list(rows.values())),
        "config": files.plain(config, "config"),
        "versions": files.plain(versions, "versions"),
    }
    if failed:
        record["failed"] = dict(failed)
    return record


def mean(records: Sequence[Mapping[str, object]]) -> Record:
    """Returns the mean of every number over the records in which it is not null."""
    keys = dict.fromkeys(key for record in records for key in record)
    result: Record = {}
    for key in keys:
        values = [record[key] for record in records if key in record]
        groups = [value for value in values if isinstance(value, Mapping)]
        numbers = [value for value in values if isinstance(value, int | float)]
        if key == "reasons":
            continue
        if groups:
            result[key] = mean(groups)
        else:
            result[key] = math.fsum(numbers) / len(numbers) if numbers else None
    return result


def mean_of_runs(records: Sequence[Record], config: Mapping[str, object]) -> Record:
    """Returns the content of metrics.json that is the mean of several runs'.

    An object that failed in one of them has failed, with the first reason.

    Args:
        records: of runs of the same objects, see `metrics_record`; at least one.
        config: the effective settings of them all.
    """
    failed: dict[str, object] = {}
    for record in records[::-1]:
        failed |= _group(record, "failed")
    names = [name for name in _group(records[0], "categories") if name not in failed]
    rows = {
        name: mean([_group(_group(one, "categories"), name) for one in records])
        for name in names
    }
    whole: Record = {
        "categories": rows,
        "mean": mean(list(rows.values())),
        "config": files.plain(config, "config"),
        "versions": records[-1]["versions"],
    }
    if failed:
        whole["failed"] = failed
    return whole


def spread(records: Sequence[Mapping[str, object]]) -> Record:
    """Returns every number of records of one kind, such as of several seeds.

    Returns:
        For each number its `mean`, its standard `deviation` (of n - 1, None of less
        than two) and its `values`, in the order of the records, without null; groups of
        numbers are groups of these.
    """
    keys = dict.fromkeys(key for record in records for key in record)
    result: Record = {}
    for key in keys:
        values = [record[key] for record in records if key in record]
        groups = [value for value in values if isinstance(value, Mapping)]
        numbers = [float(x) for x in values if isinstance(x, int | float)]
        if groups and key != "reasons":
            result[key] = spread(groups)
        elif numbers:
            several = len(numbers) > 1
            result[key] = {
                "mean": statistics.fmean(numbers),
                "deviation": statistics.stdev(numbers) if several else None,
                "values": numbers,
            }
    return result


def _group(record: Mapping[str, object], key: str) -> Record:
    found = record.get(key, {})
    assert isinstance(found, dict)
    return found


def _category(name: str, metrics: CategoryMetrics) -> Record:
    record = files.plain(metrics, name)
    assert isinstance(record, dict)
    for optional in ("pose", "reasons", "calibration", "verdict", "parts"):
        if not record[optional]:
            del record[optional]
    return record
