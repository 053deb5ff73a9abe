"""Several methods on the same objects, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxsplat.study.paper_table import Line, PaperTable, Row
from jaxsplat.study.paper_tables import DEVIATION, share_cells, share_points
from jaxsplat.study.sweeps import Outcome

_SHARES = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "aupro": "AUPRO",
    "pixel_ap": "pixel AP",
}
_STAGES = ("coarse", "refine", "features")


def methods(found: Outcome, names: Sequence[str]) -> PaperTable:
    """Returns the means over objects of every method.

    Args:
        found: the sweep, whose settings have the methods' names.
        names: of the methods.
    """
    spreads = {name: found.spread(name)["mean"] for name in names}
    headers = ("method", *_SHARES.values(), "poses found", "rotation, degrees")
    headers += tuple(f"{stage}, s" for stage in _STAGES)
    headers += ("query, s", "preparation, s")
    return PaperTable(
        name="methods",
        title="Methods on the same objects",
        headers=headers,
        rows=tuple(_row(name, one) for name, one in spreads.items()),
        notes=(_SAME_TWINS, _SECONDS, DEVIATION),
        measured=spreads,
        published={},
        axes=("method", "image AUROC in %"),
        lines=(
            Line(
                "measured",
                share_points(enumerate(spreads.values()), "image_auroc"),
                True,
            ),
        ),
        ticks=tuple(names),
    )


def _row(name: str, record: Mapping[str, Any]) -> Row:
    pose, seconds = record.get("pose", {}), record.get("seconds", {})
    query = seconds.get("per_query", {})
    return (
        name,
        *share_cells(record, tuple(_SHARES)),
        *share_cells(pose, ("success_rate",)),
        _number(pose, "rotation_deg_median", 2),
        *(_number(query, stage, 3) for stage in (*_STAGES, "total")),
        _number(seconds, "gallery", 1),
    )


def _number(record: Mapping[str, Any], key: str, digits: int) -> str:
    found = record.get(key)
    return f"{found['mean']:.{digits}f}" if found else "n/a"


_SAME_TWINS = "All methods look at the same fit of each object, with one seed."
_SECONDS = (
    "Seconds of a query are without compilation; preparation is what a method makes of "
    "a fitted object, such as a gallery or a trained network, with its compilation."
)
