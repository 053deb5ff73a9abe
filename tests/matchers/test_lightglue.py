"""LightGlue against the paper in float64, and what it does with missing keypoints."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors, matchers
from jaxsplat.features import structure
from jaxsplat.matchers.lightglue import LightGlue, LightGlueConfig
from tests.helpers import matching, numpy_lightglue

# All parts, and as LighterGlue has them: one head, another width than the descriptors'.
SMALL = LightGlueConfig(name="small", channels=8, width=8, depth=2, heads=2)
NARROW = LightGlueConfig(name="narrow", channels=6, width=12, depth=2, heads=1)
RELATIVE = 2e-5  # float32; the worst seen is 5e-6


def by_formula(config: LightGlueConfig) -> matchers.KeypointMatcher:
    params = structure.to_params(LightGlue, config, matching.published(config))
    return matchers.KeypointMatcher(params, config)


def keypoints(seed: int, count: int, real: int, channels: int) -> matchers.Keypoints:
    """Returns keypoints of which the last are not real."""
    rng = np.random.default_rng(seed)
    described = rng.normal(size=(count, channels)).astype(np.float32)
    return matchers.Keypoints(
        jnp.asarray(rng.uniform(0, 30, (count, 2)).astype(np.float32)),
        jnp.asarray(described / np.linalg.norm(described, axis=1, keepdims=True)),
        jnp.ones(count),
        jnp.arange(count) < real,
        30,
        20,
    )


@pytest.mark.parametrize("config", [SMALL, NARROW], ids=lambda c: c.name)
def test_assignment_is_the_papers(config: LightGlueConfig) -> None:
    pair = [keypoints(n, 9 + n, 7 + n, config.channels) for n in (0, 1)]
    seen = [np.asarray(k.real) for k in pair]
    expected = numpy_lightglue.probabilities(
        matching.published(config),
        config.depth,
        config.heads,
        # Centres at whole numbers, half of the longer side is 1.
        [
            (np.asarray(k.places, np.float64)[r] - 0.5 - [15, 10]) / 15
            for k, r in zip(pair, seen, strict=True)
        ],
        [np.asarray(k.descriptors, np.float64)[r] for k, r in zip(pair, seen)],
    )
    found = np.exp(matching.logarithms(by_formula(config), *pair))
    np.testing.assert_allclose(
        found[np.ix_(*seen)], expected, rtol=RELATIVE, atol=RELATIVE * expected.max()
    )
    assert found.sum() == pytest.approx(found[np.ix_(*seen)].sum())


def test_a_pair_alone_is_as_in_a_batch_and_no_keypoints_have_no_match() -> None:
    matcher = by_formula(dataclasses.replace(SMALL, threshold=1e-6))
    pairs = [[keypoints(2 * n + k, 8, 6 * n, 8) for k in (0, 1)] for n in (0, 1)]
    batch = jax.tree.map(lambda *two: jnp.stack(two), *pairs)
    found = matchers.match(matcher, *batch)
    alone = matchers.match(matcher, *pairs[1])
    np.testing.assert_array_equal(found.partner[1], alone.partner)
    np.testing.assert_allclose(found.scores[1], alone.scores, rtol=1e-5)
    assert (found.partner[0] == -1).all() and (found.scores[0] == 0).all()
    assert (alone.partner >= 0).any() and (alone.partner[6:] == -1).all()


def test_descriptors_of_another_detector_are_refused() -> None:
    one = keypoints(0, 4, 4, 6)
    with pytest.raises(errors.ConfigError, match="small: descriptors of 6 channels"):
        matchers.match(by_formula(SMALL), one, one)
