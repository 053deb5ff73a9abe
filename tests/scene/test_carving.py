"""Points against the silhouettes of a sphere."""

import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.scene import agreement, carving
from jaxsplat.scene.carving import Silhouettes
from tests.scene.test_hull import CENTER, FOCAL, SIDE, ring, sphere


def _grid(half: float, count: int) -> np.ndarray:
    axis = np.linspace(-half, half, count)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return (CENTER + grid.reshape(-1, 3)).astype(np.float32)


@pytest.mark.parametrize("dissent", [0.0, 0.1])
def test_points_of_a_sphere_are_inside(dissent: float) -> None:
    points = _grid(1.2, 13)
    seen = Silhouettes.of(sphere(ring(), 0.8), ring())
    kept = carving.inside(points, 0.0, seen, dissent)
    distance = np.linalg.norm(points - CENTER, axis=1)
    assert kept[distance < 0.75].all()
    assert not kept[distance > 0.95].any()


def test_one_view_that_sees_nothing_is_outvoted() -> None:
    masks = sphere(ring(), 0.8)
    masks[5] = False
    seen = Silhouettes.of(masks, ring())
    middle = CENTER[None].astype(np.float32)
    assert not carving.inside(middle, 0.0, seen, 0.0).any()
    assert carving.inside(middle, 0.0, seen, 0.1).all()


def test_what_few_views_frame_is_no_object() -> None:
    stack = ring()
    points = _grid(3.0, 13)
    # Everything in every frame is called object: only the frames limit it.
    seen = Silhouettes.of(np.ones((24, SIDE, SIDE), bool), stack)
    kept = carving.inside(points, 0.0, seen, 0.0)
    framed = np.zeros(len(points))
    for view in range(24):
        pose = np.asarray(stack.camera_from_world[view], np.float64)
        local = points @ pose[:3, :3].T + pose[:3, 3]
        pixel = FOCAL * local[:, :2] / local[:, 2:] + SIDE / 2
        inside = ((pixel > 0) & (pixel < SIDE)).all(axis=1) & (local[:, 2] > 0)
        framed += inside
    np.testing.assert_array_equal(kept, framed >= 12)


def test_the_outline_of_a_sphere_is_its_silhouette() -> None:
    stack = ring()
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(20000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    outlines = carving.outlines((CENTER + 0.8 * normals).astype("f4"), 0.06, stack)
    shares = carving.agreement(sphere(stack, 0.8), outlines)
    assert shares.min() > 0.92
    point = carving.outlines(CENTER[None].astype(np.float32), 0.06, stack)
    assert carving.agreement(sphere(stack, 0.8), point).max() < 0.02


def test_the_least_dissent_is_the_share_of_views_against_a_point() -> None:
    masks = sphere(ring(), 0.8)
    masks[:3] = False
    seen = Silhouettes.of(masks, ring())
    points = np.stack([CENTER, CENTER + [0.0, 0.0, 5.0]]).astype(np.float32)
    shares = carving.least_dissent(points, 0.0, seen, 0.2)
    assert shares[0] == pytest.approx(3 / 24) and np.isinf(shares[1])
    assert np.isinf(carving.least_dissent(points, 0.0, seen, 0.1)).all()


def test_a_view_of_another_pose_disagrees() -> None:
    stack = ring()
    aside = CENTER + np.array([0.3, 0.0, 0.0])
    masks = list(sphere(stack, 0.5, aside))
    masks[3] = sphere(stack, 0.5, CENTER - np.array([0.3, 0.0, 0.0]))[3]
    found = agreement.agree(masks, stack)
    assert found.confidence > 0.9
    assert list(np.nonzero(found.far_under)[0]) == [3]


def test_a_view_without_silhouette_gets_the_outline_of_the_others() -> None:
    stack = ring()
    masks = list(sphere(stack, 0.6))
    found = agreement.agree([None, *masks[1:]], stack)
    assert np.isnan(found.shares[0])
    outline = found.outline(0, (SIDE, SIDE))
    assert (outline & masks[0]).sum() / (outline | masks[0]).sum() > 0.93


def test_silhouettes_of_nothing_in_common_have_no_confidence() -> None:
    stack = ring(8)
    aside = np.array([0.5, 0.0, 0.0])
    masks = sphere(stack, 0.15, CENTER + aside)
    masks[::2] = sphere(stack, 0.15, CENTER - aside)[::2]
    found = agreement.agree(list(masks), stack)
    assert found.confidence == 0
    assert not found.outline(0, (SIDE, SIDE)).any()


def test_parts_away_from_the_outline_are_dropped() -> None:
    outline = np.zeros((40, 40), bool)
    outline[10:30, 10:30] = True
    mask = outline.copy()
    mask[35:39, :] = True
    np.testing.assert_array_equal(agreement.supported(mask, outline), outline)


def test_small_holes_that_the_outline_covers_are_filled() -> None:
    outline = np.zeros((40, 40), bool)
    outline[5:35, 5:35] = True
    mask = outline.copy()
    mask[10:12, 10:13] = False
    mask[20:30, 20:30] = False
    expected = outline.copy()
    expected[20:30, 20:30] = False
    np.testing.assert_array_equal(agreement.filled(mask, outline), expected)


def test_cameras_are_resized_with_their_silhouettes() -> None:
    masks = np.kron(sphere(ring(), 0.8), np.ones((1, 5, 5), bool))
    found = agreement.agree(list(masks), cameras.resized(ring(), 5 * SIDE, 5 * SIDE))
    assert found.confidence > 0.93
