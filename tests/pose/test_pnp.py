"""Poses from pairs of points, some of them wrong, and where points are on an object."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import se3
from jaxsplat.pose.starts import canvases, pnp, surface
from tests.helpers import toy_object

CENTER = np.array([0.1, -0.2, 0.3], np.float32)


def pairs(count: int, wrong: int) -> tuple[np.ndarray, ...]:
    """Returns points about the centre, where a camera sees them, and its pose.

    The last pairs are wrong.
    """
    rng = np.random.default_rng(4)
    points = (CENTER + rng.uniform(-1, 1, (count, 3))).astype(np.float32)
    twist = jnp.array([0.1, -0.1, 4.0, 0.3, 2.0, -0.5])
    pose = np.array(se3.exp(twist))
    pose[:3, 3] = twist[:3] - pose[:3, :3] @ CENTER
    seen = points @ pose[:3, :3].T + pose[:3, 3]
    places = seen[:, :2] / seen[:, 2:]
    places[count - wrong :] = rng.uniform(-0.3, 0.3, (wrong, 2))
    return points, places.astype(np.float32), pose


def beside(pose: np.ndarray, degrees: float) -> np.ndarray:
    """Returns the pose turned about the object's centre."""
    turn = se3.exp(jnp.array([0, 0, 0, 0, 1, 0.5]) * np.radians(degrees))
    here = jnp.asarray(pose[:3, :3] @ CENTER + pose[:3, 3])
    return np.asarray(se3.matmul(se3.about(turn, here), jnp.asarray(pose)))


def solve(
    points: np.ndarray, places: np.ndarray, weights: np.ndarray, start: np.ndarray
) -> pnp.Solution:
    arguments = (jnp.asarray(x) for x in (points, places, weights, start, CENTER))
    return jax.jit(pnp.solve)(*arguments, jax.random.key(0))


@pytest.mark.parametrize("wrong", [0, 20])
def test_the_pose_is_found_from_beside_it_whatever_half_of_the_pairs_say(
    wrong: int,
) -> None:
    points, places, pose = pairs(40, wrong)
    found = solve(points, places, np.ones(40, np.float32), beside(pose, 25))
    np.testing.assert_allclose(found.camera_from_world, pose, atol=2e-3)
    assert 40 - wrong <= int(found.agreeing) <= 40 - wrong + 2


def test_pairs_without_weight_and_too_few_leave_the_start() -> None:
    points, places, pose = pairs(40, 0)
    start = beside(pose, 10)
    weights = np.zeros(40, np.float32)
    for real in (0, 3):
        weights[:real] = 1
        found = solve(points, places, weights, start)
        np.testing.assert_array_equal(found.camera_from_world, start)
        assert int(found.agreeing) <= real
    few = solve(points[:3], places[:3], np.ones(3, np.float32), start)
    np.testing.assert_array_equal(few.camera_from_world, start)


def test_points_of_the_surface_are_seen_where_they_were() -> None:
    views = toy_object.views()
    twin = toy_object.twin(views)
    camera = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], views[0].camera)
    middle = np.array([camera.cx[0], camera.cy[0]], np.float32)
    places = jnp.asarray(
        middle + np.array([[0, 0], [1.5, -0.5], [-1e3, 0]], np.float32)
    )
    found = surface.find_surface(twin, camera, places[None])
    assert found.covered[0].tolist() == [True, True, False]
    pose = np.asarray(camera.camera_from_world[0])
    seen = np.asarray(found.points[0]) @ pose[:3, :3].T + pose[:3, 3]
    one = jax.tree.map(lambda leaf: leaf[0], camera)
    expected = canvases.tangents(one, places)
    np.testing.assert_allclose(
        seen[:2, :2] / seen[:2, 2:], np.asarray(expected)[:2], atol=1e-5
    )
    # The object is a ball of radius .7 and some opaque width.
    far = float(np.linalg.norm(pose[:3, :3] @ np.asarray(twin.center) + pose[:3, 3]))
    assert (np.abs(seen[:2, 2] - far) < 1).all()
