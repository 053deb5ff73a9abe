"""The papers' tables with figures of ours, and the published ones beside them.

All shares are in per cent. Measured and published figures are told apart in every
table: they are of other objects and other machines.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxsplat.study import published
from jaxsplat.study.paper_table import Line, PaperTable, Row
from jaxsplat.study.sweeps import Outcome

NONE = ""
_SHARES = ("image_auroc", "pixel_auroc", "aupro", "pixel_ap")
_HEADERS = ("image AUROC", "pixel AUROC", "AUPRO", "pixel AP")


def seeds(found: Mapping[str, Any], method: str) -> PaperTable:
    """Returns SplatPose's tables 1 and 2: every object over several seeds.

    Args:
        found: from `Outcome.spread`.
        method: what was measured.
    """
    categories = found["categories"]
    headers = ("object", *(f"{x}, measured" for x in _HEADERS))
    methods = published.METHODS
    headers += tuple(f"image AUROC, {x}, published" for x in methods)
    rows = []
    for name, record in categories.items():
        theirs = published.image_auroc(name)
        cells = [f"{theirs[x]:.1f}" if x in theirs else NONE for x in methods]
        rows.append((name, *share_cells(record, _SHARES), *cells))
    rows.append(("mean", *share_cells(found["mean"], _SHARES), *[NONE] * len(methods)))
    rows += [
        (f"{x}, mean of MAD-Sim, published", *_means(means), *[NONE] * len(methods))
        for x, means in published.MEANS.items()
    ]
    names = tuple(categories)
    return PaperTable(
        name="seeds",
        title=f"{method} over several seeds (SplatPose's tables 1 and 2)",
        headers=headers,
        rows=tuple(rows),
        notes=(DEVIATION, _OTHER_DATA),
        measured=found,
        published={"means": {k: v._asdict() for k, v in published.MEANS.items()}},
        axes=("object", "image AUROC in %"),
        lines=(
            Line(
                f"{method}, measured",
                share_points(enumerate(categories.values()), "image_auroc"),
                True,
            ),
            *(
                Line(
                    f"{x}, published",
                    tuple(
                        (float(i), published.image_auroc(name)[x], None)
                        for i, name in enumerate(names)
                        if x in published.image_auroc(name)
                    ),
                    False,
                )
                for x in methods
            ),
        ),
        ticks=names,
    )


def sparse_views(found: Outcome, shares: Mapping[str, int], method: str) -> PaperTable:
    """Returns SplatPose's table 5: fewer training views.

    Args:
        found: the sweep.
        shares: by the setting's name, its share of training views in per cent.
        method: what was measured.
    """
    spreads = {share: found.spread(name) for name, share in shares.items()}
    theirs = published.SPARSE_VIEWS
    columns = ("image_auroc", "aupro", "pixel_auroc", "pixel_ap")
    headers = ["training views in %"]
    headers += [f"{x}, measured" for x in ("image AUROC", "AUPRO")]
    headers += [f"{x}, measured" for x in ("pixel AUROC", "pixel AP", "poses found")]
    headers += [
        f"{metric}, {x}, published"
        for x in ("SplatPose", "OmniAD")
        for metric in ("image AUROC", "AUPRO")
    ]
    rows = []
    for share, one in spreads.items():
        cells = [
            f"{number:.1f}"
            for x in ("SplatPose", "OmniAD")
            for number in theirs.get(share, {}).get(x, ())
        ] or [NONE] * 4
        pose = share_cells(one["mean"].get("pose", {}), ("success_rate",))
        rows.append((f"{share}", *share_cells(one["mean"], columns), *pose, *cells))
    return PaperTable(
        name="sparse_views",
        title=f"{method} with fewer training views (SplatPose's table 5)",
        headers=tuple(headers),
        rows=tuple(rows),
        notes=(_DRAWN, DEVIATION, _OTHER_DATA),
        measured={str(share): one for share, one in spreads.items()},
        published={str(share): x for share, x in theirs.items()},
        axes=("training views in %", "image AUROC in %"),
        lines=(
            Line(
                f"{method}, measured",
                share_points(
                    [(share, one["mean"]) for share, one in spreads.items()],
                    "image_auroc",
                ),
                True,
            ),
            *(
                Line(
                    f"{x}, published",
                    tuple((float(s), row[x][0], None) for s, row in theirs.items()),
                    False,
                )
                for x in ("SplatPose", "OmniAD")
            ),
        ),
    )


def steps(
    found: Outcome, numbers: Mapping[str, int], others: Sequence[str]
) -> PaperTable:
    """Returns SplatPose's figure 3 and RPE-PAD's table 5: detection over pose steps.

    Args:
        found: the sweep.
        numbers: by the setting's name, SplatPose's number of steps.
        others: names of settings beside it, of other methods.
    """
    spreads = {name: found.spread(name) for name in (*numbers, *others)}
    columns = ("image_auroc", "pixel_auroc", "aupro", "pixel_ap")
    headers = ("pose steps", *(f"{x}, measured" for x in _HEADERS))
    headers += ("poses found, measured", "seconds of pose a query, measured")
    headers += ("image AUROC, SplatPose, published",)
    rows = []
    for name, one in spreads.items():
        k = numbers.get(name)
        theirs = NONE
        if k in published.STEPS:
            theirs = f"{published.STEPS[k]:.1f}"
        elif k == 0:
            theirs = f"{published.WITHOUT_REFINEMENT['SplatPose'].image_auroc:.1f}"
        pose = share_cells(one["mean"].get("pose", {}), ("success_rate",))
        label = name.replace("_", " ") if k is None else f"splatpose, {k}"
        spent = _pose_seconds(one["mean"])
        rows.append((label, *share_cells(one["mean"], columns), *pose, spent, theirs))
    rows += [
        (f"{x}, none for a photograph, published", *_means(means), NONE, NONE, NONE)
        for x, means in published.WITHOUT_REFINEMENT.items()
    ]
    measured = [(k, spreads[name]["mean"]) for name, k in numbers.items()]
    ends = min(numbers.values()), max(numbers.values())
    return PaperTable(
        name="steps",
        title="Detection over steps of pose (SplatPose's figure 3, RPE-PAD's table 5)",
        headers=headers,
        rows=tuple(rows),
        notes=(_ZERO, DEVIATION, _OTHER_DATA),
        measured=spreads,
        published={
            "steps": {str(k): x for k, x in published.STEPS.items()},
            "without_refinement": {
                k: v._asdict() for k, v in published.WITHOUT_REFINEMENT.items()
            },
        },
        axes=("steps of pose", "image AUROC in %"),
        lines=(
            Line("splatpose, measured", share_points(measured, "image_auroc"), True),
            *(
                Line(
                    f"{name}, measured",
                    share_points(
                        [(k, spreads[name]["mean"]) for k in ends], "image_auroc"
                    ),
                    True,
                )
                for name in others
            ),
            Line(
                "SplatPose, published",
                tuple((float(k), x, None) for k, x in published.STEPS.items()),
                False,
            ),
        ),
    )


def timing(
    found: Mapping[tuple[str, int], Mapping[str, Any]], versions: Mapping[str, Any]
) -> PaperTable:
    """Returns SplatPose's table 3 and RPE-PAD's table 4: where the time goes.

    Args:
        found: by method and batch, the spread over objects of `timing.measure`.
        versions: see `report.versions`; they name the machine.
    """
    stages = ("training", "coarse", "refine", "rendering", "detection", "total")
    headers = ("method", "together", *(f"{x} s" for x in stages))
    rows: list[Row] = []
    for (name, batch), one in found.items():
        cells = [f"{one[stage]['mean']:.3f}" for stage in stages[1:]]
        training = f"{one['training']['mean']:.1f}"
        rows.append((f"{name}, measured", f"{batch}", training, *cells))
    for name, spent in published.SECONDS.items():
        fit = published.TRAINING_SECONDS.get(name)
        rows.append(
            (
                f"{name}, published",
                NONE,
                NONE if fit is None else f"{fit:.0f}",
                NONE,
                f"{spent.pose:.3f}",
                f"{spent.rendering:.3f}",
                f"{spent.detection:.3f}",
                f"{spent.total:.3f}",
            )
        )
    machine = f"{versions['device']}, {versions['cpu_count']} processors"
    sums = [(i, one["total"]["mean"]) for i, one in enumerate(found.values())]
    return PaperTable(
        name="timing",
        title="Seconds a photograph by stage (SplatPose's table 3, RPE-PAD's table 4)",
        headers=headers,
        rows=tuple(rows),
        notes=(f"Measured on {machine}; {_WARM}", _THEIR_GPU),
        measured={f"{name}, {n} together": x for (name, n), x in found.items()},
        published={
            "rpe_pad_table_4": {k: v._asdict() for k, v in published.SECONDS.items()},
            "splatpose_table_3_training": published.TRAINING_SECONDS,
            "splatpose_table_3_query": published.QUERY_SECONDS,
        },
        axes=("method", "seconds a photograph"),
        lines=(
            Line("total, measured", tuple((float(i), y, None) for i, y in sums), True),
        ),
        ticks=tuple(f"{name}, {batch} together" for name, batch in found),
    )


_WARM = (
    "means over objects of medians over rounds, without compilation and reading of "
    "files. Rendering is the twin at the found pose alone; detection is all else that "
    "follows the pose."
)
_THEIR_GPU = (
    "Published seconds are on one NVIDIA RTX 3090 at 800 pixels (those of the pose "
    "without LoFTR's coarse pose), so they cannot be compared with other machines'."
)
DEVIATION = (
    "± is the standard deviation over seeds (of n - 1), where there are several; of a "
    "mean it is that of the seeds' means."
)
_OTHER_DATA = (
    "Published figures are on MAD-Sim at 800 pixels (those of RAD's classes on RAD), "
    "ours on the objects at hand: they stand beside each other and cannot be compared."
)
_DRAWN = (
    "Training views are drawn at random for each seed; a lesser share's are among a "
    "greater share's."
)
_ZERO = (
    "0 steps take the best coarse pose as it is: nothing is optimised for a photograph."
)


def share_cells(record: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Returns mean and deviation of numbers in per cent, as `report.summary.spread`
    has them.
    """
    cells = []
    for key in keys:
        found = record.get(key)
        if not found:
            cells.append("n/a")
            continue
        text = f"{100 * found['mean']:.1f}"
        if found["deviation"] is not None:
            text += f" ± {100 * found['deviation']:.1f}"
        cells.append(text)
    return cells


def _means(means: published.Means) -> list[str]:
    return [NONE if x is None else f"{x:.1f}" for x in means]


def _pose_seconds(record: Mapping[str, Any]) -> str:
    if "seconds" not in record:  # all objects have failed
        return "n/a"
    spent = record["seconds"]["per_query"]
    return f"{spent['coarse']['mean'] + spent['refine']['mean']:.3f}"


def share_points(
    records: Any, key: str
) -> tuple[tuple[float, float, float | None], ...]:
    points = []
    for x, record in records:
        found = record.get(key)
        if found:
            spread = found["deviation"]
            points.append(
                (
                    float(x),
                    100 * found["mean"],
                    None if spread is None else 100 * spread,
                )
            )
    return tuple(points)
