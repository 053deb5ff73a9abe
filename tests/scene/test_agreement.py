"""Patches of silhouettes that the hull does not reach."""

import numpy as np

from jaxsplat.scene import agreement

SIDE = 200


def _disc(radius: float, column: float = 100.0) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.hypot(rows - 100, columns - column) < radius


def test_a_patch_beyond_the_hull_is_unsupported_and_slivers_are_not() -> None:
    outline = _disc(60) & ~_disc(20)
    sliver = _disc(61.5) & ~_disc(60)
    mask = outline | _disc(20) | sliver
    found = agreement.unsupported(mask, outline)
    # All of the hole but what is within a pixel of its edge.
    assert found[_disc(18.5)].all()
    assert not found[~_disc(20)].any()


def test_nothing_is_unsupported_without_a_hull() -> None:
    assert not agreement.unsupported(_disc(60), np.zeros((SIDE, SIDE), bool)).any()


def test_a_thin_part_beside_the_hull_stays() -> None:
    thin = np.zeros((SIDE, SIDE), bool)
    thin[100:102, 150:180] = True
    outline = _disc(60)
    assert not agreement.unsupported(outline | thin, outline).any()
