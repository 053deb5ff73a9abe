"""LoFTR's coarse stage against the paper in float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors, matchers
from jaxsplat.features import structure
from jaxsplat.matchers import loftr_matcher
from jaxsplat.matchers.loftr import Loftr, LoftrConfig
from jaxsplat.matchers.loftr_matcher import LoftrMatcher, LoftrMatcherConfig
from tests.helpers import matching, numpy_loftr

DETECTOR = LoftrConfig(name="small", channels=8, width=4, finer=(4, 6))
MATCHER = LoftrMatcherConfig(
    name="small", channels=8, depth=2, heads=2, border=1, threshold=0.01
)
RELATIVE = 2e-5  # float32; the worst seen is 4e-6
OF_LOGARITHMS = 1e-4  # of which some are below -50; the worst seen is 3e-5


def detector() -> matchers.KeypointDetector:
    tensors = matching.published(DETECTOR)
    return matchers.KeypointDetector(
        structure.to_params(Loftr, DETECTOR, tensors), DETECTOR
    )


def matcher(config: LoftrMatcherConfig = MATCHER) -> matchers.KeypointMatcher:
    tensors = matching.published(config)
    return matchers.KeypointMatcher(
        structure.to_params(LoftrMatcher, config, tensors), config
    )


def image(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)


def found_in(seed: int, height: int, width: int) -> matchers.Keypoints:
    photograph = jnp.asarray(image(seed, height, width))[None]
    found = matchers.detect(detector(), photograph, 1)
    return jax.tree.map(lambda leaf: leaf[0], found)


def grid(columns: int, rows: int) -> np.ndarray:
    """Returns column and row of all cells, row by row."""
    return np.array([(x, y) for y in range(rows) for x in range(columns)])


def features(keypoints: matchers.Keypoints) -> np.ndarray:
    descriptors = np.asarray(keypoints.descriptors, np.float64)
    return descriptors * np.asarray(keypoints.scores, np.float64)[:, None]


def test_cells_have_the_papers_features_in_all_and_their_places() -> None:
    found = found_in(1, 40, 56)
    expected = numpy_loftr.features(
        image(1, 40, 56).transpose(2, 0, 1), matching.published(DETECTOR)
    )
    expected = expected.reshape(8, -1).T
    np.testing.assert_allclose(
        features(found), expected, rtol=RELATIVE, atol=RELATIVE * expected.max()
    )
    lengths = np.linalg.norm(found.descriptors, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-6)
    np.testing.assert_array_equal(found.places, 8 * grid(7, 5) + 0.5)
    assert found.real.all()


def test_a_place_is_the_pixel_in_the_middle_of_what_a_cell_sees() -> None:
    def feature(photograph: jax.Array) -> jax.Array:
        return matchers.detect(detector(), photograph[None], 1).scores[0, 7]

    slope = jax.grad(feature)(jnp.asarray(image(9, 8, 120)))
    seen = np.flatnonzero(np.asarray(slope).any((0, 2)))
    assert (seen[0], seen[-1]) == (56 - 53, 56 + 53)


@pytest.mark.parametrize("size", [(3, 43), (64, 50), (99, 20), (1000, 1)])
def test_columns_and_rows_are_told_from_places_at_any_size(
    size: tuple[int, int],
) -> None:
    height, width = size
    cells = loftr_matcher.cells_of(found_in(2, height, width))
    expected = grid(max(width // 8, 1), max(height // 8, 1))
    np.testing.assert_array_equal(cells, expected)


@pytest.mark.parametrize("fixed", [True, False])
def test_confidences_and_matches_of_two_sizes_are_the_papers(fixed: bool) -> None:
    config = dataclasses.replace(MATCHER, temp_bug_fix=fixed)
    pair = found_in(3, 48, 64), found_in(4, 56, 40)
    grids = [(8, 6), (5, 7)]
    cells = [grid(*sides) for sides in grids]
    expected = numpy_loftr.confidences(
        matching.published(config), 2, [features(k) for k in pair], cells, fixed
    )
    found = matching.logarithms(matcher(config), *pair)
    np.testing.assert_allclose(found, np.log(expected), rtol=0, atol=OF_LOGARITHMS)
    counts = []
    for border in (0, 1):
        several = dataclasses.replace(config, border=border)
        matched = matchers.match(matcher(several), *pair)
        partners = numpy_loftr.partners(expected, cells, grids, 0.01, border)
        np.testing.assert_array_equal(matched.partner, partners)
        has_one = matched.partner >= 0
        counts.append(int(has_one.sum()))
        best = expected.max(1)[has_one]
        np.testing.assert_allclose(matched.scores[has_one], best, rtol=RELATIVE)
        assert (matched.scores[~has_one] == 0).all()
    assert counts[0] > counts[1] > 0


def test_hidden_cells_take_no_part_in_anything() -> None:
    pair = found_in(5, 40, 48), found_in(6, 48, 40)
    seen = [np.random.default_rng(n).random(30) < 0.7 for n in (0, 1)]
    hidden = [
        dataclasses.replace(k, real=jnp.asarray(s))
        for k, s in zip(pair, seen, strict=True)
    ]
    cells = [grid(6, 5)[seen[0]], grid(5, 6)[seen[1]]]
    expected = numpy_loftr.confidences(
        matching.published(MATCHER),
        2,
        [features(k)[s] for k, s in zip(pair, seen, strict=True)],
        cells,
    )
    found = np.asarray(matching.logarithms(matcher(), *hidden))
    np.testing.assert_allclose(
        found[np.ix_(*seen)], np.log(expected), rtol=0, atol=OF_LOGARITHMS
    )
    hidden_pairs = ~(seen[0][:, None] & seen[1])
    assert (np.exp(found[hidden_pairs]) == 0).all()


def test_a_pair_alone_is_as_in_a_batch_and_no_cells_have_no_match() -> None:
    pair = found_in(7, 48, 48), found_in(8, 48, 48)
    none = [dataclasses.replace(k, real=jnp.zeros_like(k.real)) for k in pair]
    batch = [
        jax.tree.map(lambda *two: jnp.stack(two), k, n)
        for k, n in zip(pair, none, strict=True)
    ]
    found = matchers.match(matcher(), *batch)
    alone = matchers.match(matcher(), *pair)
    np.testing.assert_array_equal(found.partner[0], alone.partner)
    np.testing.assert_allclose(found.scores[0], alone.scores, rtol=1e-5)
    assert (found.partner[1] == -1).all() and (found.scores[1] == 0).all()


def test_descriptors_of_another_detector_are_refused() -> None:
    wide = matcher(dataclasses.replace(MATCHER, channels=16))
    one = found_in(0, 16, 16)
    with pytest.raises(errors.ConfigError, match="small: descriptors of 8 channels"):
        matchers.match(wide, one, one)
