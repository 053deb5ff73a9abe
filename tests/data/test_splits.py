"""Which views a run inspects and keeps apart."""

import numpy as np
import pytest

from jaxsplat.data.splits import choose_queries, hold_out
from jaxsplat.data.views import View


def _views(**counts: int) -> tuple[View, ...]:
    image = np.zeros((1, 1, 3), np.float32)
    return tuple(
        View(f"test/{kind}/{index}.png", image, defect_type=kind)
        for kind, count in counts.items()
        for index in range(count)
    )


def _kinds(views: tuple[View, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for view in views:
        found[view.defect_type] = found.get(view.defect_type, 0) + 1
    return found


def test_every_type_gets_an_equal_share() -> None:
    chosen = choose_queries(_views(good=30, Burrs=15, Missing=15, Stains=15), 20)
    assert _kinds(chosen) == {"good": 5, "Burrs": 5, "Missing": 5, "Stains": 5}


def test_what_a_small_type_lacks_goes_to_the_others() -> None:
    chosen = choose_queries(_views(good=10, Burrs=1), 7)
    assert _kinds(chosen) == {"good": 6, "Burrs": 1}


def test_a_type_is_sampled_over_its_whole_list_in_order() -> None:
    chosen = [view.name for view in choose_queries(_views(good=100), 4)]
    assert chosen == [f"test/good/{index}.png" for index in (12, 37, 62, 87)]


def test_no_limit_or_a_generous_one_takes_all() -> None:
    views = _views(good=3, Burrs=2)
    assert choose_queries(views, None) == views
    assert choose_queries(views, 5) == views


def test_held_out_views_are_apart_and_at_most_a_tenth() -> None:
    views = _views(good=100)
    fitted, held_out = hold_out(views, 8)
    assert len(held_out) == 8 and len(fitted) == 92
    assert not {v.name for v in fitted} & {v.name for v in held_out}


@pytest.mark.parametrize(
    ("count", "kept"), [(4, 0), (5, 1), (9, 1), (10, 2), (19, 2), (29, 2), (30, 3)]
)
def test_of_few_views_one_or_two_are_held_out(count: int, kept: int) -> None:
    views = _views(good=count)
    fitted, held_out = hold_out(views, 8)
    assert len(held_out) == kept and len(fitted) == count - kept
    assert sorted(v.name for v in (*fitted, *held_out)) == sorted(v.name for v in views)
    assert len(hold_out(views, 1)[1]) == min(kept, 1)
    assert hold_out(views, 0) == (views, ())
