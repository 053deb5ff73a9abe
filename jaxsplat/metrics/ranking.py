"""How normal scores lie around each defective score.

Every curve of this layer changes height only at the scores of defective pixels, and
there it needs the number of normal pixels above and at that score. So the curves are
exact over all thresholds while only the defective scores are held sorted; the normal
ones, nearly all of the pixels, pass through in chunks.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxsplat import errors

_CHUNK = 1 << 22  # normal scores sorted at once: 16 MB of float32


def check_finite(maps: Float[np.ndarray, "n h w"]) -> None:
    """Checks that every score is a finite number.

    Args:
        maps: scores per image, [n, h, w].

    Raises:
        NumericsError: some are not; the message names the first such image.
    """
    for index, values in enumerate(maps):
        bad = values.size - np.count_nonzero(np.isfinite(values))
        if bad:
            raise errors.NumericsError(
                f"image {index} of {len(maps)}: {bad} of {values.size} scores are NaN "
                "or infinite; metrics need finite scores"
            )


def why_undefined(labels: Bool[np.ndarray, "..."]) -> str:
    """Returns why a metric over these labels has no value, or "" where it has one.

    Args:
        labels: true where defective, of images or of pixels, any shape.
    """
    defective = np.count_nonzero(labels)
    if labels.size == 0:
        return "there is nothing to rank"
    if defective == 0:
        return f"none of {labels.size} is defective"
    if defective == labels.size:
        return f"all of {labels.size} are defective"
    return ""


def count_normals(
    values: Float[np.ndarray, " k"],
    maps: Float[np.ndarray, "n h w"],
    masks: Bool[np.ndarray, "n h w"],
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """Returns how many normal scores are greater than, and equal to, each value.

    Args:
        values: scores in rising order, of the same dtype as the maps, [k].
        maps: scores per pixel, [n, h, w].
        masks: true where defective, [n, h, w]; those scores are not counted.
    """
    above = np.zeros(len(values), dtype=np.int64)
    equal = np.zeros(len(values), dtype=np.int64)
    step = max(1, _CHUNK // max(1, maps[0].size))
    for start in range(0, len(maps), step):
        chunk = slice(start, start + step)
        normal = np.sort(maps[chunk][~masks[chunk]])
        first = np.searchsorted(normal, values, side="left")
        last = np.searchsorted(normal, values, side="right")
        above += normal.size - last
        equal += last - first
    return above, equal
