"""Where an object was found in its training views, and what was odd about that."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxsplat.data.notes import Notes
from jaxsplat.data.views import View
from jaxsplat.scene.agreement import Agreement

ALPHA, MASKS, PLAIN, CUT_OUT, NONE = "alpha", "masks", "plain", "cut_out", "none"
# Parts that a few silhouettes lack are faults of these; more than this share of the
# object is a part of it that has the background's colour from some sides.
_MOST_DISPUTED = 0.01

# Views of one object whose poses are right agree in more than nine tenths; with the
# poses of others, silhouettes agree in under seven tenths.
MIN_CONFIDENCE = 0.75


@dataclasses.dataclass(frozen=True)
class Foreground:
    """Where the object is in `v` training views.

    Attributes:
        kind: what tells it: "alpha" of the files, "masks" of files, a "plain"
            background, an automatic "cut_out", or "none" where nothing does.
        confidence: how well the views agree with one solid object, in [0, 1]: the
            median over them of the intersection over union of silhouette and outline
            of the hull that most of them carve. 0 for "none".
        coverage: of each pixel by the object in [0, 1], [v, h, w]; None for "none".
        disagreeing: names of the views that agree far less than the others, the worst
            first.
        notes: what a user should know, a sentence each.
        by_background: whether the background of a photograph that is taken like the
            views tells where the object is.
        disputed: share of the silhouettes that some of the views contradict.
    """

    kind: str
    confidence: float
    coverage: Float[np.ndarray, "v h w"] | None
    disagreeing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_background: bool = True
    disputed: float = 0.0

    @property
    def has_hidden_parts(self) -> bool:
        """Whether a part of the object has the colour of the plain background."""
        return self.kind == PLAIN and self.disputed > _MOST_DISPUTED


def none(*notes: str) -> Foreground:
    """Returns the record of an object that nothing tells, and why, a sentence each."""
    return Foreground(NONE, 0.0, None, (), notes)


def describe(
    found: Agreement,
    kind: str,
    views: Sequence[View],
    coverage: Float[np.ndarray, "v h w"],
    notes: tuple[str, ...],
) -> Foreground:
    """Returns the record, with what the views' agreement says about it."""
    order = np.argsort(found.shares, kind="stable")
    low = [views[i].name for i in order if found.far_under[i]]
    if found.confidence < MIN_CONFIDENCE:
        notes += (
            "what the training views show of the object is of no one solid object at "
            f"their poses (median overlap {100 * found.confidence:.0f} %); expected "
            "poses that agree with the images",
        )
    notes += remarks(low, "disagrees with what the other views show")
    return Foreground(
        kind,
        found.confidence,
        coverage,
        tuple(low),
        notes,
        disputed=found.disputed,
    )


def remarks(names: Sequence[str], remark: str) -> tuple[str, ...]:
    """Returns a remark about photographs as a sentence, none where none are named."""
    notes = Notes()
    for name in names:
        notes.add(remark, name)
    return notes.sentences()
