"""The path, the rates and the weights of IGSPAD's search."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat import matchers, pose
from jaxsplat.core import se3
from jaxsplat.errors import ConfigError
from jaxsplat.fitting import losses
from jaxsplat.pose.refine import adam_loop, matching_points
from jaxsplat.pose.refine.adam_loop import Weighting
from jaxsplat.pose.refine.adam_view import ViewPath
from tests.pose.conftest import Toy

PATH = ViewPath((0.01, 0.001), jnp.int32(200))


def test_rates_are_the_papers() -> None:
    rates = jax.vmap(PATH.rate)(jnp.arange(300))
    np.testing.assert_allclose(rates, [0.01] * 200 + [0.001] * 100)


def test_a_step_turns_from_the_left_and_shifts() -> None:
    start = se3.exp(jnp.array([0.3, -0.2, 4.0, 0.4, 1.1, -0.6]))
    step = jnp.array([0.1, 0.2, -0.3, 0.05, -0.02, 0.2])
    moved = PATH.pose(PATH.moved(start, step))
    turn = Rotation.from_rotvec([0.05, -0.02, 0.2]).as_matrix()
    expected = np.array(start)
    expected[:3, :3] = turn @ expected[:3, :3]
    expected[:3, 3] += [0.1, 0.2, -0.3]
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_pixels_near_a_point_are_those_within_the_radius() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 20, (6, 2)).astype(np.float32)
    counts = np.array([True, False, True, True, False, True])
    found = matching_points.near_points(
        jnp.asarray(places), jnp.asarray(counts), 3.5, 15, 20
    )
    rows, columns = np.mgrid[:15, :20] + 0.5
    away = np.hypot(
        columns[..., None] - places[counts, 0], rows[..., None] - places[counts, 1]
    )
    np.testing.assert_array_equal(found, (away <= 3.5).any(axis=-1))


def test_weighted_loss_is_that_of_equation_4_by_channel() -> None:
    render, query = jax.random.uniform(jax.random.key(0), (2, 8, 6, 3))
    weights = jnp.zeros((8, 6)).at[2:5, 1:4].set(1.0)
    found = losses.photometric(render, query, 0.0, weights=weights)
    expected = (np.abs(render - query).sum(axis=-1) * weights).sum() / (3 * 8 * 6)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_pixels_that_do_not_count_change_nothing(toy: Toy) -> None:
    clean = toy.queries[0]
    marred = clean.at[10:26, 22:36].set(jnp.array([1.0, 0.0, 1.0]))
    counts = jnp.ones((48, 48)).at[8:28, 20:38].set(0.0)
    scene = dataclasses.replace(toy.scene(), ssim_weight=0.0)
    path = ViewPath((0.01, 0.001), jnp.int32(80))

    @jax.jit
    def search(query: jax.Array) -> pose.PoseEstimate:
        return adam_loop.descend(
            scene,
            query,
            path,
            toy.starts[0, 0],
            steps=jnp.int32(120),
            weighting=Weighting(lambda _: counts, 50),
        )

    found = search(marred)
    assert int(found.steps) == 120
    np.testing.assert_allclose(found.camera_from_world, toy.truth[0], atol=0.01)
    np.testing.assert_array_equal(
        found.camera_from_world, search(clean).camera_from_world
    )


def test_where_nothing_matches_all_pixels_count(toy: Toy) -> None:
    networks = matchers.load_detector(), matchers.load_matcher()
    sampler = matching_points.make_sampler(toy.twin, *networks, 32)
    points = sampler.detect(jnp.stack([toy.queries[0], jnp.ones((48, 48, 3))]))

    @jax.jit
    def weights(index: jax.Array) -> jax.Array:
        one = jax.tree.map(lambda leaf: leaf[index], points)
        return sampler.weights(one, toy.truth[0], 0.1, 24, 24)

    itself, empty = weights(jnp.int32(0)), weights(jnp.int32(1))
    assert set(np.unique(itself)) == {0.0, 1.0}
    np.testing.assert_array_equal(empty, np.ones((24, 24)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", -1), ("every", 0), ("keypoints", 0), ("radius", 0.0), ("keep", 0)],
)
def test_wrong_settings_are_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"{name}: found {value}"):
        dataclasses.replace(pose.AdamView(), **{name: value})
