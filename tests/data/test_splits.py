"""Which views a run inspects and keeps apart."""

import numpy as np
import pytest

from jaxsplat.data.splits import choose_queries, evenly, hold_out, take_share
from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError


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


def test_some_views_are_taken_evenly() -> None:
    views = _views(good=49)
    names = [view.name for view in views]
    assert [view.name for view in evenly(views, 7)] == names[3::7]
    assert len({view.name for view in evenly(views, 48)}) == 48
    assert evenly(views, 100) == views and evenly((), 3) == ()


def test_a_lesser_share_is_part_of_a_greater_one() -> None:
    views = _views(good=50)
    shares = [take_share(views, share, 3) for share in (0.2, 0.6, 1.0)]
    assert [len(some) for some in shares] == [10, 30, 50]
    names = [[view.name for view in some] for some in shares]
    assert set(names[0]) < set(names[1]) and shares[2] == views
    for some in names:
        order = [int(name.split("/")[2].split(".")[0]) for name in some]
        assert order == sorted(order)


def test_another_seed_draws_others_and_one_view_is_always_left() -> None:
    views = _views(good=50)
    assert take_share(views, 0.2, 0) != take_share(views, 0.2, 1)
    assert len(take_share(views, 0.001, 0)) == 1


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_is_in_its_bounds(share: float) -> None:
    with pytest.raises(ConfigError, match="share of views"):
        take_share(_views(good=3), share, 0)
