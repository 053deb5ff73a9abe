"""Gaussians that no silhouette speaks for."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting import support
from jaxsplat.scene.gaussians import Gaussians

SIDE, FOCAL, DISTANCE, RADIUS = 48, 60.0, 4.0, 0.5
OBJECT = np.array([(0, 0, 0), (0.3, 0, 0), (0, -0.3, 0.2), (0, 0, 0.45)])
# Beside the object, inside a few views' silhouettes only; and beyond most frames.
BESIDE = np.array([(1.0, 0, 0), (0, 0, -0.9), (0.7, 0.7, 0)])
BEYOND = np.array([(0, 0, 3.5), (6.0, 0, 0)])


def views() -> tuple[Camera, np.ndarray]:
    """Returns cameras around a ball, and its silhouettes in closed form."""
    angles = np.arange(12) * 2 * np.pi / 12
    heights = np.where(np.arange(12) % 2, 1.5, -1.0)
    flat = np.sqrt(DISTANCE**2 - heights**2)
    eyes = np.stack([flat * np.cos(angles), flat * np.sin(angles), heights], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    focal, middle = jnp.float32(FOCAL), jnp.float32(SIDE / 2)
    stack = cameras.stack(
        [
            Camera(
                jnp.asarray(cameras.look_at(eye, np.zeros(3), up)),
                *(focal, focal, middle, middle, SIDE, SIDE),
            )
            for eye in eyes
        ]
    )
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    away = np.hypot(rows - SIDE / 2, columns - SIDE / 2) / FOCAL
    disc = away < RADIUS / np.sqrt(DISTANCE**2 - RADIUS**2)
    return stack, np.tile(disc, (12, 1, 1))


def state_of(means: np.ndarray) -> fit_state.FitState:
    count = len(means)
    return fit_state.initial(
        Gaussians(
            jnp.asarray(means, jnp.float32),
            jnp.full((count, 3), -3.0),
            jnp.tile(jnp.array([1.0, 0, 0, 0]), (count, 1)),
            jnp.zeros(count),
            jnp.full((count, 3), 0.5),
            jnp.ones(count, bool),
        ),
        1,
    )


def test_what_lies_beside_the_object_or_beyond_the_frames_goes() -> None:
    stack, silhouettes = views()
    state = state_of(np.concatenate([OBJECT, BESIDE, BEYOND]))
    found = support.only_supported(state, silhouettes, stack, DISTANCE)
    assert found.gaussians.live.tolist() == [True] * 4 + [False] * 5
    np.testing.assert_array_equal(found.gaussians.means, state.gaussians.means)
    assert found.step == state.step


def test_what_was_dead_stays_dead() -> None:
    stack, silhouettes = views()
    state = state_of(OBJECT)
    dead = jnp.array([True, False, True, False])
    gaussians = dataclasses.replace(state.gaussians, live=dead)
    state = dataclasses.replace(state, gaussians=gaussians)
    found = support.only_supported(state, silhouettes, stack, DISTANCE)
    assert found.gaussians.live.tolist() == dead.tolist()


def test_one_view_in_ten_may_dissent() -> None:
    stack, silhouettes = views()
    one_blind = silhouettes.copy()
    one_blind[3] = False
    one_blind[3, 0, 0] = True
    state = state_of(OBJECT)
    found = support.only_supported(state, one_blind, stack, DISTANCE)
    assert found.gaussians.live.all()
    one_blind[5] = one_blind[3]
    found = support.only_supported(state, one_blind, stack, DISTANCE)
    assert not found.gaussians.live.any()


def test_a_hair_beside_the_silhouette_is_still_on_it() -> None:
    stack, silhouettes = views()
    rim = np.array([(0, 0, RADIUS + 0.02), (0, 0, RADIUS + 0.15)])
    state = state_of(rim)
    found = support.only_supported(state, silhouettes, stack, DISTANCE)
    assert found.gaussians.live.tolist() == [True, False]
