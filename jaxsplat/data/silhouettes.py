"""Where an image shows the object."""

import numpy as np
from jaxtyping import Bool

from jaxsplat.data.background import RGB, TOLERANCE
from jaxsplat.data.views import View

# A pixel with fewer marked ones among itself and its eight neighbours is noise; a line
# one pixel wide has three.
_MIN_NEIGHBOURS = 3


def silhouette(view: View, background: RGB | None) -> Bool[np.ndarray, "h w"] | None:
    """Returns where a view shows the object, or None where that cannot be told.

    With alpha, these are the pixels covered by more than half. Else, on a plain
    background, the pixels of which any channel differs from it by more than two grey
    levels of 255; single pixels and pairs are dropped as noise. A shadow that falls on
    the background counts as object, and parts in exactly its colour do not.

    Args:
        view: the photograph, [h, w].
        background: `ObjectSet.background` where `background_is_plain`, else None.
    """
    if view.alpha is not None:
        return view.alpha > 0.5
    if background is None:
        return None
    difference = np.abs(view.image - np.asarray(background, np.float32))
    marked = difference.max(axis=2) > TOLERANCE
    padded = np.pad(marked, 1).astype(np.int32)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    neighbours = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return marked & (neighbours >= _MIN_NEIGHBOURS)
