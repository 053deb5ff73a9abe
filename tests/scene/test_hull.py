"""The visual hull of shapes whose silhouettes are known in closed form."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import DataError
from jaxsplat.scene import carving, hull

SIDE = 64
FOCAL = 100.0
DISTANCE = 4.0
PIXEL = DISTANCE / FOCAL  # of a pixel at the object, scene units
CENTER = np.array([0.3, -0.2, 0.1])

Inside = Callable[[np.ndarray], np.ndarray]


def ring(count: int = 24, center: np.ndarray = CENTER) -> Camera:
    """Returns cameras spread over a sphere (Fibonacci lattice) that look at a point."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    angle = np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - z * z)
    eyes = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    half = jnp.float32(SIDE / 2)
    views = [
        Camera(
            jnp.asarray(
                cameras.look_at(
                    center + DISTANCE * eye, center, np.array([0.0, 0.0, 1.0])
                )
            ),
            jnp.float32(FOCAL),
            jnp.float32(FOCAL),
            half,
            half,
            SIDE,
            SIDE,
        )
        for eye in eyes
    ]
    return cameras.stack(views)


def rays(stack: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Returns eyes [v, 3] and unit directions of the pixels' rays [v, h, w, 3]."""
    pose = np.asarray(stack.camera_from_world, np.float64)
    axis = (np.arange(SIDE) + 0.5 - SIDE / 2) / FOCAL
    local = np.stack([*np.meshgrid(axis, axis), np.ones((SIDE, SIDE))], axis=-1)
    directions = np.einsum("hwi,vij->vhwj", local, pose[:, :3, :3])
    eyes = -np.einsum("vji,vj->vi", pose[:, :3, :3], pose[:, :3, 3])
    return eyes, directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def sphere(stack: Camera, radius: float, middle: np.ndarray = CENTER) -> np.ndarray:
    """Returns the silhouettes of a sphere."""
    eyes, directions = rays(stack)
    offset = (middle - eyes)[:, None, None]
    along = np.sum(offset * directions, axis=-1, keepdims=True)
    return np.linalg.norm(offset - along * directions, axis=-1) <= radius


def box(stack: Camera, half: float) -> np.ndarray:
    """Returns the silhouettes of a cube about `CENTER` (slab test)."""
    eyes, directions = rays(stack)
    start = (eyes - CENTER)[:, None, None]
    ends = np.stack([(sign * half - start) / directions for sign in (-1, 1)])
    enters, leaves = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
    return enters <= leaves


@pytest.fixture(scope="module")
def ball() -> hull.SurfacePoints:
    return hull.visual_hull(sphere(ring(), 0.8), ring())


def test_hull_of_a_sphere(ball: hull.SurfacePoints) -> None:
    distance = np.linalg.norm(ball.points - CENTER, axis=1)
    # A hull holds the object; cells and pixels blur it by their size.
    slack = ball.spacing * np.sqrt(3) + PIXEL
    assert distance.min() >= 0.8 - slack
    assert abs(np.median(distance) - 0.8) < slack
    assert distance.max() <= 0.8 * 1.12
    assert len(ball.points) > 1000


def test_normals_are_unit_and_point_outwards(ball: hull.SurfacePoints) -> None:
    np.testing.assert_allclose(np.linalg.norm(ball.normals, axis=1), 1, atol=1e-5)
    outward = ball.points - CENTER
    outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
    cosine = np.sum(outward * ball.normals, axis=1)
    assert np.median(cosine) > 0.9
    assert (cosine > 0).mean() > 0.99


def test_points_surround_the_object(ball: hull.SurfacePoints) -> None:
    np.testing.assert_allclose(ball.points.mean(axis=0), CENTER, atol=0.02)
    assert ((ball.points - CENTER).min(axis=0) < -0.75).all()
    assert ((ball.points - CENTER).max(axis=0) > 0.75).all()


def test_hull_of_a_cube() -> None:
    stack = ring()
    found = hull.visual_hull(box(stack, 0.5), stack)
    from_faces = np.abs(found.points - CENTER).max(axis=1) - 0.5
    slack = found.spacing * np.sqrt(3) + PIXEL
    assert from_faces.min() >= -slack
    assert np.median(np.abs(from_faces)) < slack
    assert from_faces.max() < 0.2


def test_more_detail_is_finer(ball: hull.SurfacePoints) -> None:
    stack = ring()
    coarse = hull.visual_hull(sphere(stack, 0.8), stack, detail=0)
    assert ball.spacing == pytest.approx(coarse.spacing / 3)
    assert len(ball.points) > 5 * len(coarse.points)


def test_poses_that_disagree_are_a_data_error() -> None:
    stack = ring(8)
    aside = np.array([0.5, 0.0, 0.0])
    silhouettes = sphere(stack, 0.15, CENTER + aside)
    silhouettes[::2] = sphere(stack, 0.15, CENTER - aside)[::2]
    with pytest.raises(DataError, match="no point in common.*poses"):
        hull.visual_hull(silhouettes, stack)


def test_empty_silhouettes_are_a_data_error() -> None:
    with pytest.raises(DataError, match="no point in common"):
        hull.visual_hull(np.zeros((8, SIDE, SIDE), bool), ring(8))


def test_one_faulty_silhouette_does_not_carve_the_object(
    ball: hull.SurfacePoints,
) -> None:
    silhouettes = sphere(ring(), 0.8)
    silhouettes[7, :, : SIDE // 2] = False
    found = hull.visual_hull(silhouettes, ring())
    distance = np.linalg.norm(found.points - CENTER, axis=1)
    whole = np.linalg.norm(ball.points - CENTER, axis=1)
    assert distance.mean() == pytest.approx(whole.mean(), rel=0.02)
    assert distance.min() > 0.8 - found.spacing * np.sqrt(3) - PIXEL


def test_a_small_part_that_two_views_miss_is_kept() -> None:
    """As an ear that has the background's colour from some sides."""
    ear = CENTER + np.array([0.0, 0.0, 0.8])
    body, small = sphere(ring(), 0.8), sphere(ring(), 0.2, ear)
    masks = body | small
    masks[[6, 15]] = body[[6, 15]]
    found = hull.visual_hull(masks, ring())
    near = np.linalg.norm(found.points - ear, axis=1) < 0.23
    assert (found.points[near, 2] > ear[2] + 0.14).any()
    # The share of views that may be wrong is not larger than it must be.
    least = hull.visual_hull(body | small, ring())
    assert len(least.points) < len(found.points)


def test_a_part_that_two_views_miss_is_disputed(ball: hull.SurfacePoints) -> None:
    stack = ring()
    masks = sphere(stack, 0.5)
    assert abs(ball.disputed) < 0.01
    masks[3:5, : SIDE // 2] = False
    disputed = hull.visual_hull(masks, stack).disputed
    # All views but these show the parts that these call background.
    assert 0.1 < disputed < 0.6


def test_ragged_silhouettes_do_not_carve_the_object() -> None:
    true = sphere(ring(), 0.8)
    blocks = np.random.default_rng(0).uniform(size=(24, SIDE // 4, SIDE // 4)) < 0.08
    ragged = true & ~np.kron(blocks, np.ones((4, 4), bool))
    found = hull.visual_hull(ragged, ring())
    outlines = carving.outlines(found.points, found.spacing, ring())
    assert np.median(carving.agreement(true, outlines)) > 0.94


def test_nothing_stands_where_frames_cut_the_object_off() -> None:
    # A rod along x, longer than the frames are wide.
    stack = ring()
    eyes, directions = rays(stack)
    flat = directions[..., 1:] / np.linalg.norm(
        directions[..., 1:], axis=-1, keepdims=True
    )
    start = (eyes - CENTER)[:, None, None, 1:]
    across = start[..., 0] * flat[..., 1] - start[..., 1] * flat[..., 0]
    silhouettes = np.abs(across) <= 0.3
    found = hull.visual_hull(silhouettes, stack)
    frame = DISTANCE * (SIDE / 2) / FOCAL
    assert np.abs(found.points[:, 0] - CENTER[0]).max() < 1.6 * frame
    assert np.linalg.norm(found.points[:, 1:] - CENTER[1:], axis=1).max() < 0.45


def test_view_center_is_where_the_axes_meet() -> None:
    np.testing.assert_allclose(hull.view_center(ring(5)), CENTER, atol=1e-5)


def test_view_center_of_parallel_axes_is_ahead_of_the_cameras() -> None:
    poses = jnp.tile(jnp.eye(4), (3, 1, 1)).at[:, 0, 3].set(jnp.array([1.0, 2.0, 6.0]))
    value = jnp.ones(3)
    parallel = Camera(poses, value, value, value, value, 4, 4)
    # They stand 2 from their middle in the median, and look along z.
    np.testing.assert_allclose(hull.view_center(parallel), [-3, 0, 8], atol=1e-6)
