"""First guesses of a scene."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import quaternions
from jaxsplat.core.cameras import Camera
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene import starts
from jaxsplat.scene.hull import SurfacePoints

RNG = np.random.default_rng(0)


def surface(count: int = 50) -> SurfacePoints:
    """Returns points on the unit sphere with their normals, both poles among them."""
    normals = np.random.default_rng(1).normal(size=(count, 3))
    normals[:2] = [[0, 0, 1], [0, 0, -1]]
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return SurfacePoints(normals.astype(np.float32), normals.astype(np.float32), 0.1)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 40])
def test_neighbour_distance_is_that_of_brute_force(count: int) -> None:
    points = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
    points[: count // 40] = points[-1]  # two in one place
    between = np.linalg.norm(points[:, None] - points, axis=2)
    nearest = np.sort(between, axis=1)[:, 1:4]
    expected = np.sqrt((nearest**2).mean(axis=1))
    np.testing.assert_allclose(starts.neighbour_distance(points), expected, rtol=1e-5)


def test_neighbour_distance_is_never_zero() -> None:
    for points in (np.zeros((6, 3), np.float32), np.ones((1, 3), np.float32)):
        found = starts.neighbour_distance(points)
        assert found.shape == (len(points),)
        assert (found > 0).all() and np.isfinite(np.log(found)).all()


@pytest.mark.parametrize("degree", [0, 3])
def test_rows_beyond_the_points_are_dead(degree: int) -> None:
    points = RNG.normal(size=(5, 3)).astype(np.float32)
    colors = RNG.uniform(size=(5, 3)).astype(np.float32)
    sizes = np.full((5, 3), 0.2, np.float32)
    cloud = starts.from_points(
        points, colors, sizes, capacity=9, opacity=0.3, sh_degree=degree
    )
    assert scene.count(cloud) == 5
    assert scene.sh_degree(cloud) == degree
    np.testing.assert_array_equal(cloud.live, np.arange(9) < 5)
    np.testing.assert_allclose(scene.opacities(cloud), [0.3] * 5 + [0.0] * 4, atol=1e-6)
    np.testing.assert_allclose(scene.scales(cloud)[:5], sizes, rtol=1e-6)
    np.testing.assert_array_equal(cloud.means[:5], points)
    np.testing.assert_array_equal(cloud.colors[:5], colors)
    for leaf in (cloud.means, cloud.log_scales, cloud.quats, cloud.opacity_logits):
        assert np.isfinite(leaf).all()
    if degree:
        assert cloud.sh_rest is not None and not np.any(cloud.sh_rest)


def test_surface_gaussians_lie_flat() -> None:
    given = surface()
    colors = RNG.uniform(size=(50, 3)).astype(np.float32)
    cloud = starts.from_surface(
        given, colors, np.random.default_rng(0), 50, capacity=60, opacity=0.7
    )
    axes = np.asarray(quaternions.to_rotation(cloud.quats))[:50]
    # The third axis, the thin one, is the normal (here also the position).
    np.testing.assert_allclose(axes[:, :, 2], cloud.means[:50], atol=1e-5)
    sizes = np.asarray(scene.scales(cloud))[:50]
    np.testing.assert_allclose(sizes[:, 0], sizes[:, 1])
    assert (sizes[:, 2] < 0.5 * sizes[:, 0]).all()
    # Each point appears once, with its own colour.
    order = np.lexsort(given.points.T)
    found = np.lexsort(np.asarray(cloud.means[:50]).T)
    np.testing.assert_array_equal(np.asarray(cloud.means)[found], given.points[order])
    np.testing.assert_array_equal(np.asarray(cloud.colors)[found], colors[order])


def test_fewer_surface_gaussians_are_wider() -> None:
    colors = np.zeros((50, 3), np.float32)

    def width(count: int) -> float:
        cloud = starts.from_surface(
            surface(), colors, np.random.default_rng(0), count, capacity=80, opacity=0.5
        )
        assert scene.count(cloud) == min(count, 50)
        return float(scene.scales(cloud)[0, 0])

    assert width(80) == pytest.approx(width(50))
    # A quarter of the points cover the same area with twice the width.
    assert width(12) == pytest.approx(width(50) * np.sqrt(50 / 12))


def test_colors_are_those_of_the_facing_views() -> None:
    # Two cameras on the z axis, one above looking down, one below looking up.
    down = np.diag([1.0, -1.0, -1.0, 1.0]).astype(np.float32)
    up = np.eye(4, dtype=np.float32)
    down[2, 3] = up[2, 3] = 4.0
    beside = down.copy()
    beside[0, 3] = 10.0  # its frame ends before the object
    focal, middle = jnp.full(3, 20.0), jnp.full(3, 8.0)
    poses = jnp.asarray(np.stack([down, up, beside]))
    views = Camera(poses, focal, focal, middle, middle, 16, 16)
    images = np.zeros((3, 16, 16, 3), np.float32)
    images[0, ..., 0] = 1  # red from above
    images[1, ..., 2] = 1  # blue from below
    images[2, ..., 1] = 1  # green where nothing of it is seen
    found = starts.facing_colors(surface(), images, views)
    np.testing.assert_allclose(found[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found[1], [0, 0, 1], atol=1e-6)
    assert (found.sum(axis=1) > 0.5).mean() > 0.7


def test_random_points_fill_the_cube() -> None:
    center = np.array([5.0, -2.0, 0.0])
    points = starts.random_points(np.random.default_rng(0), 4000, center, 2.0)
    assert points.dtype == np.float32
    assert (np.abs(points - center) <= 2).all()
    np.testing.assert_allclose(points.mean(axis=0), center, atol=0.1)
    np.testing.assert_allclose(points.std(axis=0), 2 / np.sqrt(3), atol=0.05)
    again = starts.random_points(np.random.default_rng(0), 4000, center, 2.0)
    np.testing.assert_array_equal(points, again)


def test_points_turn_to_the_opposite_pole() -> None:
    normals = np.array([[0, 0, -1], [0, 1e-4, -1], [0, 0.1, -0.995]], np.float32)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    quats = starts._rotation_to(normals)
    turned = quaternions.to_rotation(jnp.asarray(quats))[:, :, 2]
    np.testing.assert_allclose(turned, normals, atol=2e-4)
