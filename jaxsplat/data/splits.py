"""Which photographs are inspected, and which good views are kept apart."""

from collections.abc import Sequence

import numpy as np

from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError


def choose_queries(views: Sequence[View], most: int | None) -> tuple[View, ...]:
    """Returns at most `most` test views, taken evenly from every defect type.

    Types get equal numbers as far as they last; within a type the views are spread
    evenly over its list. The order of `views` is kept.
    """
    if most is None or most >= len(views):
        return tuple(views)
    groups: dict[str, list[int]] = {}
    for index, view in enumerate(views):
        groups.setdefault(view.defect_type, []).append(index)
    shares = dict.fromkeys(groups, 0)
    while sum(shares.values()) < most:
        for kind, members in groups.items():
            if shares[kind] < len(members) and sum(shares.values()) < most:
                shares[kind] += 1
    chosen = {
        members[position]
        for kind, members in groups.items()
        for position in spread(len(members), shares[kind])
    }
    return tuple(view for index, view in enumerate(views) if index in chosen)


def hold_out(
    views: Sequence[View], count: int
) -> tuple[tuple[View, ...], tuple[View, ...]]:
    """Returns the views to fit and `count` evenly spread ones that the fit never sees.

    At most a tenth of the views is kept apart, of few views one or two.
    """
    share = max(len(views) // 10, min(2, len(views) // 5))
    kept = set(spread(len(views), min(count, share)))
    fitted = tuple(view for index, view in enumerate(views) if index not in kept)
    return fitted, tuple(view for index, view in enumerate(views) if index in kept)


def take_share(views: Sequence[View], share: float, seed: int) -> tuple[View, ...]:
    """Returns a share of the views, drawn at random, in their order.

    The views of a lesser share are among those of a greater one with the same seed.

    Args:
        views: to draw from.
        share: of them, in (0, 1]; at least one view is left of some.
        seed: of the draw.

    Raises:
        ConfigError: the share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ConfigError(f"share of views: found {share}, expected in (0, 1]")
    order = np.random.default_rng(seed).permutation(len(views))
    taken = set(order[: max(1, round(share * len(views)))].tolist())
    return tuple(view for index, view in enumerate(views) if index in taken)


def spread(size: int, count: int) -> list[int]:
    """Returns `count` indices of a list of `size` entries, evenly spread."""
    return [int(x) for x in (np.arange(count) + 0.5) * size / max(count, 1)]


def evenly(views: Sequence[View], most: int) -> tuple[View, ...]:
    """Returns the views, or `most` of them that are evenly spread."""
    return tuple(views[i] for i in spread(len(views), min(len(views), most)))
