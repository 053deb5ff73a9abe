"""The gallery of a cloud, and coarse poses of photographs taken in many ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import cameras, se3
from jaxsplat.errors import ConfigError
from jaxsplat.pose import coarse, pyramid
from jaxsplat.render import api as render
from tests.pose.conftest import DISTANCE, Toy
from tests.pose.test_lm import degrees

CENTER = np.array([0.1, -0.2, 0.3])


@pytest.fixture(scope="module")
def gallery(toy: Toy) -> pose.Gallery:
    """Returns the toy seen from 60 sides, some 26 degrees apart."""
    poses = pose.sphere_poses(np.zeros(3), DISTANCE, 60)
    return pose.build_gallery(toy.gaussians, toy.camera, jnp.asarray(poses))


def photograph(toy: Toy, poses: jax.Array) -> jax.Array:
    def one(matrix: jax.Array) -> jax.Array:
        camera = cameras.with_pose(toy.camera, matrix)
        drawn = render.render(
            toy.gaussians, camera, background=jnp.ones(3), capacity=4096
        )
        return drawn.color

    return jax.vmap(one)(poses)


def moved(motion: np.ndarray, poses: jax.Array) -> jax.Array:
    """Returns the poses after a motion of the camera."""
    return jnp.asarray(motion, jnp.float32) @ poses


def rotation(axis: int, angle: float) -> np.ndarray:
    twist = np.zeros(6, np.float32)
    twist[3 + axis] = angle
    return np.asarray(se3.exp(jnp.asarray(twist)))


NEARER, FARTHER = np.eye(4), np.eye(4)
NEARER[2, 3], FARTHER[2, 3] = -0.2 * DISTANCE, 0.2 * DISTANCE
# 20 % of the image off the centre.
OFF = rotation(1, float(np.arctan(0.2 * 48 / 80)))
WAYS = {
    "plain": np.eye(4),
    "turned": rotation(2, 2.0),
    "upside down": rotation(2, np.pi),
    "off centre": OFF,
    "nearer": NEARER,
    "farther": FARTHER,
    "all": OFF @ rotation(2, -1.0) @ FARTHER,
}


@pytest.mark.parametrize("way", WAYS)
def test_photographs_find_their_pose(toy: Toy, gallery: pose.Gallery, way: str) -> None:
    truth = moved(WAYS[way], toy.truth)
    starts, costs = pose.find_starts(gallery, toy.camera, photograph(toy, truth), 2)
    assert starts.shape == (3, 2, 4, 4)
    assert degrees(starts[:, 0], truth).max() < 8
    assert (costs[:, 0] <= costs[:, 1]).all()
    apart = degrees(starts[:, 0], starts[:, 1])
    assert (apart[np.isfinite(costs[:, 1])] > 9).all()


@pytest.mark.parametrize("value", [1.0, jnp.nan, jnp.inf])
def test_a_query_that_shows_nothing_gets_finite_poses(
    toy: Toy, gallery: pose.Gallery, value: float
) -> None:
    starts, _ = pose.find_starts(
        gallery, toy.camera, jnp.full_like(toy.queries[:1], value), 3
    )
    assert np.isfinite(starts).all()


def test_one_compilation_for_repeated_calls(toy: Toy, gallery: pose.Gallery) -> None:
    pose.find_starts(gallery, toy.camera, toy.queries, 2)
    before = pose.find_starts._cache_size()
    pose.find_starts(gallery, toy.camera, 0.5 * toy.queries, 2)
    assert pose.find_starts._cache_size() == before


def test_a_view_is_placed_where_it_is_asked_for(toy: Toy) -> None:
    view = toy.truth[0]
    towards = jnp.array([0.1, -0.2, 1.0])
    middle = jnp.array([0.0, 0.0, 1.0])
    placed = coarse._placed(
        view, middle, towards, jnp.float32(0.0), jnp.float32(1.2), jnp.zeros(3)
    )
    seen = placed[:3, 3]
    distance = jnp.linalg.norm(view[:3, 3])
    np.testing.assert_allclose(jnp.linalg.norm(seen), 1.2 * distance, rtol=1e-5)
    np.testing.assert_allclose(seen / seen[2], towards, atol=1e-5)


def test_poses_surround_the_center_and_look_at_it() -> None:
    poses = pose.sphere_poses(CENTER, 3.0, 50)
    assert poses.shape == (50, 4, 4)
    seen = poses[:, :3, :3] @ CENTER + poses[:, :3, 3]
    np.testing.assert_allclose(seen, np.tile([0, 0, 3.0], (50, 1)), atol=1e-5)
    directions = poses[:, 2, :3]
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=0.02)
    cosines = directions @ directions.T - 2 * np.eye(50)
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    # 50 caps of equal area have a diameter of 32 degrees.
    assert nearest.min() > 20
    assert nearest.max() < 36


@pytest.mark.parametrize("change", [{"radius": 0.0}, {"count": 0}])
def test_wrong_numbers_are_named(change: dict) -> None:
    numbers = {"radius": 1.0, "count": 3} | change
    with pytest.raises(ConfigError, match=f"{next(iter(change))}: found"):
        pose.sphere_poses(CENTER, **numbers)


def test_gaps_between_photographs_are_filled_and_no_more() -> None:
    everywhere = pose.sphere_poses(CENTER, 3.0, 400)
    assert len(pose.gallery_poses(everywhere, CENTER)) == 400
    above = everywhere[everywhere[:, 2, 2] < -0.5]
    filled = pose.gallery_poses(above, CENTER)
    np.testing.assert_array_equal(filled[: len(above)], above)
    added = filled[len(above) :]
    assert len(added) > 5
    cosines = added[:, 2, :3] @ above[:, 2, :3].T
    nearest = np.degrees(np.arccos(cosines.max(axis=1)))
    assert nearest.min() >= 15 and nearest.max() <= 30


def test_sizes_double_up_to_the_whole() -> None:
    assert pyramid.shrinks(400, 300) == (8, 4, 2, 1)
    assert pyramid.shrinks(99, 80) == (1,)
    assert pyramid.coarsest(200, 100) == 4
