"""Parts that have the background's colour, told by a scene of known Gaussians."""

import dataclasses

import numpy as np
import pytest

from jaxsplat.errors import DataError
from jaxsplat.fitting import FAST, PAPER, hidden_parts
from tests.helpers import toy_object


def test_what_the_scene_covers_is_added_and_nothing_is_taken_away() -> None:
    views = toy_object.views(3)
    true = np.stack([view.alpha for view in views if view.alpha is not None])
    lacking = true.copy()
    lacking[:, :, : toy_object.SIDE // 2] = 0
    lacking[:, 0, 0] = 0.7
    found = hidden_parts.with_hidden_parts(toy_object.twin(views), views, lacking)
    expected = np.where((true > 0.5) & (lacking < 0.5), 1, lacking)
    # A pixel whose coverage is one half may be told either way.
    sure = abs(true - 0.5) > 1e-3
    np.testing.assert_array_equal(found[sure], expected[sure])
    assert (found - lacking)[sure].sum() > 100


def test_a_view_without_pose_is_named() -> None:
    views = toy_object.views(2)
    lost = [views[0], toy_object.without_pose(views[1])]
    with pytest.raises(DataError, match="train/1.png: a training view has no pose"):
        hidden_parts.with_hidden_parts(
            toy_object.twin(views),
            lost,
            np.zeros((2, toy_object.SIDE, toy_object.SIDE)),
        )


def test_the_fit_before_has_all_stages_but_the_last_and_heeds_colors() -> None:
    before = hidden_parts.by_colors(FAST)
    assert before.stages == FAST.stages[:-1]
    assert 0 < before.coverage_weight < 0.2 * FAST.coverage_weight
    assert not before.keep_to_outlines
    assert before.rates == FAST.rates and before.count == FAST.count


def test_fits_that_ask_no_silhouette_have_none_before() -> None:
    assert hidden_parts.are_sought(FAST)
    assert not hidden_parts.are_sought(PAPER)
    assert not hidden_parts.are_sought(
        dataclasses.replace(FAST, stages=FAST.stages[-1:])
    )
