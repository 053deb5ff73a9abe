"""The order of the views."""

import numpy as np

from jaxsplat.fitting import loop


def test_views_are_all_seen_before_one_comes_again() -> None:
    order = loop.view_order(np.random.default_rng(0), 5, 17)
    assert order.shape == (17,)
    for first in (0, 5, 10):
        assert sorted(order[first : first + 5]) == list(range(5))
    assert len(set(order[15:])) == 2
    assert list(order[:5]) != list(order[5:10])
    again = loop.view_order(np.random.default_rng(0), 5, 17)
    np.testing.assert_array_equal(order, again)
    assert loop.view_order(np.random.default_rng(0), 5, 0).shape == (0,)
