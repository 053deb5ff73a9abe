"""The content of metrics.json."""

import math
from collections.abc import Mapping, Sequence

from jaxsplat.report import files
from jaxsplat.report.content import CategoryMetrics

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
        `calibration` and `verdict` only where there are verdicts.

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


def _category(name: str, metrics: CategoryMetrics) -> Record:
    record = files.plain(metrics, name)
    assert isinstance(record, dict)
    for optional in ("pose", "reasons", "calibration", "verdict"):
        if not record[optional]:
            del record[optional]
    return record
