"""AUPRO against a slow version written from its definition, and by hand."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsplat import errors, metrics


def slow_aupro(maps: np.ndarray, masks: np.ndarray, limit: float) -> float:
    """Returns AUPRO by trying every threshold on every region."""
    regions = []
    for image, mask in zip(maps, masks, strict=True):
        labels, count = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [image[labels == k] for k in range(1, count + 1)]
    normal = maps[~masks]
    points = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        overlap = np.mean([np.mean(region >= threshold) for region in regions])
        points.append((float(np.mean(normal >= threshold)), float(overlap)))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
        if x0 >= limit or x1 == x0:
            continue
        end = min(x1, limit)
        area += (end - x0) * (y0 + y0 + (y1 - y0) * (end - x0) / (x1 - x0)) / 2
    return area / limit


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns maps and masks with regions of many sizes, some at the border."""
    rng = np.random.default_rng(seed)
    smooth = scipy.ndimage.gaussian_filter(rng.normal(size=(4, 24, 20)), (0, 2, 2))
    masks = smooth > 0.15
    masks[1] = False
    maps = scipy.ndimage.gaussian_filter(
        rng.normal(size=masks.shape) + masks, (0, 1, 1)
    )
    return maps.astype(np.float32), masks


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("levels", [None, 4, 30])
def test_equals_the_slow_version(limit: float, levels: int | None) -> None:
    for seed in range(2):
        maps, masks = blobs(seed)
        if levels:
            maps = np.round(maps * levels)
        found = metrics.aupro(maps, masks, limit)
        assert found == pytest.approx(slow_aupro(maps, masks, limit), abs=1e-12)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    st.lists(st.integers(0, 4), min_size=24, max_size=24),
    st.lists(st.booleans(), min_size=22, max_size=22),
    st.floats(0.01, 1.0),
)
def test_equals_the_slow_version_on_small_maps(
    scores: list[int], mask: list[bool], limit: float
) -> None:
    maps = np.array(scores, dtype=np.float32).reshape(2, 3, 4)
    masks = np.array([True, False, *mask]).reshape(2, 3, 4)
    found = metrics.aupro(maps, masks, limit)
    assert found == pytest.approx(slow_aupro(maps, masks, limit), abs=1e-12)


def test_mask_itself_is_perfect_and_its_inverse_worthless() -> None:
    _, masks = blobs(0)
    assert metrics.aupro(masks.astype(np.float32), masks) == pytest.approx(1)
    assert metrics.aupro((~masks).astype(np.float32), masks) == 0


@pytest.mark.parametrize("small_is_found", [True, False])
def test_regions_of_different_size_weigh_the_same(small_is_found: bool) -> None:
    small = np.zeros((1, 10, 10), dtype=bool)
    large = np.zeros((1, 10, 10), dtype=bool)
    small[0, 0, 0] = True  # one pixel in the corner
    large[0, 4:9, 4:10] = True  # thirty pixels at the border
    maps = (small if small_is_found else large).astype(np.float32)
    # Half the overlap without a false positive, then all the rest at one threshold: a
    # straight line from (0, 1/2) to (1, 1), which is .65 at a rate of 0.3.
    assert metrics.aupro(maps, small | large) == pytest.approx((0.5 + 0.65) / 2)


def test_pixels_that_touch_at_a_corner_are_one_region() -> None:
    masks = np.zeros((1, 6, 6), dtype=bool)
    masks[0, [0, 1, 2], [0, 1, 2]] = True
    masks[0, 5, 5] = True
    maps = np.zeros((1, 6, 6), dtype=np.float32)
    maps[0, 5, 5] = 1
    # One of two regions; with 4-connected ones it would be one of four.
    assert metrics.aupro(maps, masks, limit=1.0) == pytest.approx((0.5 + 1) / 2)


def test_region_of_one_pixel_by_hand() -> None:
    masks = np.array([[[True, False, False, False, False]]])
    maps = np.array([[[3.0, 5.0, 4.0, 1.0, 1.0]]])
    # Two of four normal pixels score higher: the overlap is 0 up to a rate of 1/2.
    assert metrics.aupro(maps, masks) == 0
    assert metrics.aupro(maps, masks, limit=0.5) == 0
    assert metrics.aupro(maps, masks, limit=1.0) == pytest.approx(0.5)


def test_limit_is_interpolated_inside_a_run_of_ties() -> None:
    masks = np.array([[[True, False, False]]])
    maps = np.array([[[1.0, 1.0, 0.0]]])
    # From (0, 0) straight to (1/2, 1), where a rate of 0.3 has an overlap of 0.6.
    assert metrics.aupro(maps, masks) == pytest.approx(0.3)


def test_is_invariant_under_rising_maps_and_order_of_images() -> None:
    maps, masks = blobs(3)
    value = metrics.aupro(maps, masks)
    assert metrics.aupro(np.exp(maps.astype(np.float64)), masks) == value
    order = [2, 0, 3, 1]
    assert metrics.aupro(maps[order], masks[order]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.01, float("nan")])
def test_limit_out_of_range(limit: float) -> None:
    maps, masks = blobs(0)
    with pytest.raises(errors.ConfigError, match="limit"):
        metrics.aupro(maps, masks, limit)
