"""ALIKED against the papers in float64, and its limits."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import matchers
from jaxsplat.features import structure
from jaxsplat.matchers.aliked import Aliked, AlikedConfig
from jaxsplat.matchers.deformable import DeformableConv
from tests.helpers import matching, numpy_aliked

SMALL = AlikedConfig(name="small", channels=8, widths=(3, 4, 5, 6), samples=4)
ABSOLUTE = 1e-5  # of places, scores and unit vectors; the worst seen is 3e-6


def found(
    config: AlikedConfig, images: np.ndarray, count: int = 200
) -> matchers.Keypoints:
    params = structure.to_params(Aliked, config, matching.published(config))
    detector = matchers.KeypointDetector(params, config)
    return matchers.detect(detector, jnp.asarray(images), count)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Returns images of which no side is a multiple of the coarsest level's stride."""
    return np.random.default_rng(1).random((2, 37, 50, 3)).astype(np.float32)


@pytest.mark.parametrize("rounds", [0, 2])
def test_keypoints_are_the_papers(rounds: int, images: np.ndarray) -> None:
    config = dataclasses.replace(SMALL, rounds=rounds)
    expected = numpy_aliked.keypoints(
        images[1].transpose(2, 0, 1), matching.published(config), rounds
    )
    of_both = found(config, images)
    of_one = jax.tree.map(lambda leaf: leaf[1], of_both)
    count = len(expected)
    assert 10 < count < 200 and int(of_one.real.sum()) == count
    for name, values in (
        ("places", [(one.x + 0.5, one.y + 0.5) for one in expected]),
        ("scores", [one.score for one in expected]),
        ("descriptors", [one.descriptor for one in expected]),
    ):
        np.testing.assert_allclose(
            getattr(of_one, name)[:count], values, atol=ABSOLUTE, err_msg=name
        )
    assert (of_one.scores[count:] == 0).all()
    assert of_one.width == 50 and of_one.height == 37


def test_fewer_are_the_best_of_all(images: np.ndarray) -> None:
    every, few = found(SMALL, images), found(SMALL, images, 7)
    assert few.places.shape == (2, 7, 2) and few.real.all()
    np.testing.assert_allclose(few.places, every.places[:, :7], atol=1e-5)


def test_scores_of_keypoints_exceed_the_threshold(images: np.ndarray) -> None:
    every = found(SMALL, images)
    level = float(jnp.median(every.scores[every.real]))
    some = found(dataclasses.replace(SMALL, threshold=level), images)
    count = int(some.real.sum())
    assert 0 < count < int(every.real.sum())
    none = found(dataclasses.replace(SMALL, threshold=1.0), images)
    assert not none.real.any() and (none.scores == 0).all()
    assert jnp.isfinite(none.descriptors).all()


def test_images_smaller_than_a_window_have_no_keypoints() -> None:
    few = found(SMALL, np.ones((1, 3, 4, 3), np.float32), 5)
    assert not few.real.any() and jnp.isfinite(few.places).all()


def one_channel(_: int) -> DeformableConv:
    return DeformableConv(1, 1)


def test_offsets_reach_beyond_the_frame_and_no_farther_than_a_quarter() -> None:
    shapes = structure.file_shapes(one_channel, 0)
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tensors["regular_conv.weight"][0, 0, 1, 1] = 1
    # The middle tap: half a pixel down, and farther to the right than it may.
    tensors["offset_conv.bias"][8:10] = 0.5, 100
    params = structure.to_params(one_channel, 0, tensors)
    layer = structure.with_params(one_channel, 0, params)
    image = np.arange(32, dtype=np.float32).reshape(4, 8)
    expected = np.zeros((4, 8))
    expected[:, :6] = image[:, 2:] / 2
    expected[:3, :6] += image[1:, 2:] / 2
    np.testing.assert_allclose(
        layer(jnp.asarray(image)[None, ..., None])[0, ..., 0], expected, atol=1e-5
    )
