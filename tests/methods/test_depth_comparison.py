"""PTAD's comparison: what is planted can be seen, and a trained network tells it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import learning
from jaxsplat.data.views import ObjectSet, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.methods import depth_planting
from jaxsplat.pose import PoseEstimate, Unrefined, on_plain
from jaxsplat.rendering.twin import Twin
from tests.helpers import toy_detector, toy_object


@pytest.fixture(scope="module")
def twin(objects: ObjectSet) -> Twin:
    return toy_object.twin(objects.train)


def images(objects: ObjectSet, rows: slice) -> jax.Array:
    return jnp.asarray(np.stack([view.image for view in objects.train[rows]]))


def truth(objects: ObjectSet, twin: Twin, rows: slice) -> PoseEstimate:
    poses = posed_cameras(objects.train[rows]).camera_from_world
    seen = on_plain(images(objects, rows))
    return Unrefined()(twin, (), seen, jnp.asarray(poses)[:, None])


def test_examples_are_good_views_and_planted_defects(
    objects: ObjectSet, twin: Twin
) -> None:
    part, rows = toy_detector.DEPTH, slice(0, 4)
    keys = jax.random.split(jax.random.key(1), (4, 2))
    poses = jnp.asarray(posed_cameras(objects.train[rows]).camera_from_world)
    found = depth_planting.examples(
        part.detector, twin, images(objects, rows), poses, keys
    )
    assert len(found.labels) == 12
    # Each view beside the twin as it is, then twice beside a changed one.
    np.testing.assert_array_equal(found.labels[::3], 0)
    assert 2 <= float(found.labels.sum()) <= 8
    marked = np.asarray(found.maps.max(axis=(1, 2)) > 0)
    np.testing.assert_array_equal(marked, np.asarray(found.labels) == 1)
    left, top, right, bottom = np.asarray(found.boxes)[marked].T
    assert (left < right).all() and (top < bottom).all()
    # What is beside a good view is what it shows, but for the masks' hard edges.
    differ = np.asarray(found.further.mean(axis=(1, 2, 3)))
    assert differ[::3].max() < differ[marked].max()


@pytest.mark.slow
def test_an_object_that_lacks_a_piece_scores_higher_than_one_that_is_whole(
    objects: ObjectSet, twin: Twin
) -> None:
    training = learning.Training(60, 16, learning.Cosine(5e-3), clip=1.0)
    part = dataclasses.replace(toy_detector.DEPTH, training=training, planted=6)
    state = part.prepare(twin, objects.train[4:], (), jax.random.key(0))
    good = images(objects, slice(0, 4))
    estimate = truth(objects, twin, slice(0, 4))
    middle = slice(good.shape[1] // 2, None)
    lacking = good.at[:, middle].set(1.0)
    scores = [
        part(twin, state, photographs, good, estimate).max(axis=(1, 2))
        for photographs in (good, lacking)
    ]
    assert (np.asarray(scores[1]) > np.asarray(scores[0])).all()


def test_networks_that_it_cannot_feed_are_refused() -> None:
    part = toy_detector.DEPTH
    network = dataclasses.replace(part.detector, numbers=4)
    wrong = dataclasses.replace(part.loss, network=network)
    with pytest.raises(ConfigError, match="numbers 4: expected 0 or 2 further maps"):
        dataclasses.replace(part, loss=wrong)
    with pytest.raises(ConfigError, match="planted: found 0"):
        dataclasses.replace(part, planted=0)
