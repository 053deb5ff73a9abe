"""Coarse poses of photographs taken in many ways, by every function that finds some."""

import dataclasses
import types
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import cameras, se3
from jaxsplat.errors import ConfigError
from jaxsplat.pose.starts import appearance, placing, silhouettes
from jaxsplat.rendering import api as render
from tests.pose.conftest import DISTANCE, Toy, cluttered, drawn_before
from tests.pose.test_lm import degrees

FINDERS = (pose.GalleryStarts, pose.SilhouetteStarts)
every_finder = pytest.mark.parametrize("find", FINDERS)


@pytest.fixture(scope="module")
def gallery(toy: Toy) -> pose.Gallery:
    """Returns the toy seen from 60 sides, some 26 degrees apart."""
    poses = pose.sphere_poses(np.zeros(3), DISTANCE, 60)
    return pose.build_gallery(toy.twin, jnp.asarray(poses))


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
    find = pose.GalleryStarts(k=2)
    starts, _ = find(toy.twin, gallery, pose.on_plain(photograph(toy, truth)))
    assert degrees(starts[:, 0], truth).max() < 8


# Degrees, 1.4 pixels at the rim: the toy is a mist, through which clutter shows.
MISTY = 5.0


def solved(toy: Toy, gallery: pose.Gallery, seen: pose.Photographs) -> np.ndarray:
    """Returns the errors in degrees of the poses found from nothing."""
    starts, _ = pose.GalleryStarts(k=2)(toy.twin, gallery, seen)
    found = pose.Lm((pose.Stage(1, 3, 6, 0.5),))(toy.twin, (), seen, starts)
    assert set(found.outcome.tolist()) <= {
        pose.Outcome.CONVERGED,
        pose.Outcome.MAX_STEPS,
    }
    return degrees(found.camera_from_world, toy.truth)


@pytest.mark.parametrize("seed", range(3))
def test_poses_are_found_before_clutter(
    toy: Toy, gallery: pose.Gallery, seed: int
) -> None:
    seen = pose.anywhere(cluttered(toy, toy.truth, seed))
    assert solved(toy, gallery, seen).max() < MISTY


def test_poses_are_found_before_another_plain_color(
    toy: Toy, gallery: pose.Gallery
) -> None:
    seen, _ = drawn_before(toy, toy.truth, jnp.array([0.75, 0.85, 0.95]))
    assert solved(toy, gallery, pose.on_plain(seen)).max() < 0.5
    assert solved(toy, gallery, pose.anywhere(seen)).max() < MISTY


def test_photographs_of_both_kinds_go_together(toy: Toy, gallery: pose.Gallery) -> None:
    clutter = cluttered(toy, toy.truth[:1], 3)
    mixed = pose.Photographs(
        jnp.concatenate([clutter, toy.queries[1:]]), jnp.array([False, True, True])
    )
    errors = solved(toy, gallery, mixed)
    assert errors[0] < MISTY and errors[1:].max() < 0.5


@pytest.fixture(scope="module")
def bracket(toy: Toy) -> Toy:
    """Returns three arms, none of them towards a camera: its outline tells the side."""
    ways = np.array([(0.6, 0.6, 0.5), (-0.6, 0.7, 0.3), (0.1, -0.5, 0.9)])
    arms = np.concatenate(
        [
            np.linspace(0, length, 20)[:, None] * axis - 0.3
            for length, axis in zip((1.6, 1.1, 0.7), ways, strict=True)
        ]
    )
    means = jnp.asarray(arms, jnp.float32)
    cloud = dataclasses.replace(
        toy.gaussians, means=means, log_scales=jnp.full((60, 3), -2.3)
    )
    return dataclasses.replace(toy, gaussians=cloud)


@pytest.fixture(scope="module")
def bracket_gallery(bracket: Toy) -> pose.Gallery:
    """Returns the arms seen from the same sides."""
    poses = pose.sphere_poses(np.zeros(3), DISTANCE, 60)
    return pose.build_gallery(bracket.twin, jnp.asarray(poses))


@pytest.mark.parametrize("way", WAYS)
def test_outlines_find_the_side_whatever_the_texture(
    bracket: Toy, bracket_gallery: pose.Gallery, way: str
) -> None:
    truth = moved(WAYS[way], bracket.truth)
    differs = jnp.any(photograph(bracket, truth) < 0.9, axis=-1, keepdims=True)
    black = jnp.broadcast_to(jnp.where(differs, 0.0, 1.0), bracket.queries.shape)
    photographs = pose.on_plain(black)
    starts, _ = pose.SilhouetteStarts(k=4)(bracket.twin, bracket_gallery, photographs)
    errors = [degrees(starts[:, i], truth) for i in range(4)]
    # Views are 26 degrees apart, turns 15; a neighbour of the nearest view will do.
    assert np.min(errors, axis=0).max() < 26 + 7.5


@every_finder
@pytest.mark.parametrize("way", WAYS)
def test_starts_differ_and_come_best_first(
    toy: Toy, gallery: pose.Gallery, way: str, find: Callable
) -> None:
    photos = photograph(toy, moved(WAYS[way], toy.truth))
    starts, costs = find(k=2)(toy.twin, gallery, pose.on_plain(photos))
    assert starts.shape == (3, 2, 4, 4)
    assert (costs[:, 0] <= costs[:, 1]).all()
    apart = degrees(starts[:, 0], starts[:, 1])
    assert (apart[np.isfinite(costs[:, 1])] > 9).all()


@every_finder
@pytest.mark.parametrize("value", [1.0, jnp.nan, jnp.inf])
def test_a_query_that_shows_nothing_gets_finite_poses(
    toy: Toy, gallery: pose.Gallery, value: float, find: Callable
) -> None:
    empty = jnp.full_like(toy.queries, value)
    starts, _ = find(k=2)(toy.twin, gallery, pose.on_plain(empty))
    assert np.isfinite(starts).all()


@pytest.mark.parametrize("module", [appearance, silhouettes])
def test_one_compilation_for_repeated_calls(
    toy: Toy, gallery: pose.Gallery, module: types.ModuleType
) -> None:
    module._find(2, toy.twin, gallery, pose.on_plain(toy.queries))
    before = module._find._cache_size()
    module._find(2, toy.twin, gallery, pose.on_plain(0.5 * toy.queries))
    assert module._find._cache_size() == before


@every_finder
def test_a_finder_returns_one_pose_at_least(find: Callable) -> None:
    with pytest.raises(ConfigError, match="k: found 0"):
        find(k=0)


def test_a_view_is_placed_where_it_is_asked_for(toy: Toy) -> None:
    view = toy.truth[0]
    towards = jnp.array([0.1, -0.2, 1.0])
    middle = jnp.array([0.0, 0.0, 1.0])
    placed = placing.placed(
        view, middle, towards, jnp.float32(0.0), jnp.float32(1.2), jnp.zeros(3)
    )
    seen = placed[:3, 3]
    distance = jnp.linalg.norm(view[:3, 3])
    np.testing.assert_allclose(jnp.linalg.norm(seen), 1.2 * distance, rtol=1e-5)
    np.testing.assert_allclose(seen / seen[2], towards, atol=1e-5)
