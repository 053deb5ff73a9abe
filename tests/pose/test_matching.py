"""Views found in photographs by their colours and edges, whatever surrounds them."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import cameras, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.pose.starts import gallery as galleries
from jaxsplat.pose.starts import matching, placing
from jaxsplat.rendering import api as render
from tests.pose.conftest import CAPACITY, DISTANCE, Toy, cluttered

VIEWS = 32


@pytest.fixture(scope="module")
def gallery(toy: Toy) -> pose.Gallery:
    """Returns the toy seen from 32 sides, some 36 degrees apart."""
    poses = pose.sphere_poses(np.zeros(3), DISTANCE, VIEWS)
    return pose.build_gallery(toy.twin, jnp.asarray(poses))


@pytest.fixture(params=["framed", "anywhere"])
def windows(request: pytest.FixtureRequest, gallery: pose.Gallery) -> matching.Windows:
    found: matching.Windows = getattr(gallery, request.param)
    return found


@functools.partial(jax.jit, static_argnames="count")
def find(
    windows: matching.Windows, image: jax.Array, camera: Camera, count: int
) -> matching.Places:
    return matching.find(windows, image, camera, count)


def placed(
    toy: Toy,
    gallery: pose.Gallery,
    view: int,
    turn: int,
    zoom: float,
    place: np.ndarray,
    seed: int,
) -> jax.Array:
    """Returns a photograph of a view, turned, zoomed and moved, before clutter."""
    truth = placing.placed(
        gallery.templates.camera.camera_from_world[view],
        jnp.array([0.0, 0.0, 1.0]),
        jnp.asarray([*((place - 24) / 80), 1.0], jnp.float32),
        jnp.float32(matching.TURNS[turn]),
        jnp.float32(zoom),
        jnp.zeros(3),
    )
    return cluttered(toy, truth[None], seed)[0]


@pytest.mark.parametrize("seed", range(6))
def test_a_view_is_found_before_clutter(
    toy: Toy, gallery: pose.Gallery, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    view, turn = int(rng.integers(VIEWS)), int(rng.integers(24))
    zoom = gallery.anywhere.search.zooms[seed % 3]
    place = 24 + rng.uniform(-5, 5, 2)
    photograph = placed(toy, gallery, view, turn, zoom, place, seed)
    found = find(gallery.anywhere, photograph, toy.camera, 4)
    assert int(found.view[0]) == view
    angle = float(found.turn[0]) - matching.TURNS[turn]
    assert abs((angle + np.pi) % (2 * np.pi) - np.pi) < np.radians(15.1)
    assert float(found.zoom[0]) == pytest.approx(zoom, rel=0.26)
    # Places are an eighth of a window apart.
    step = 2 * float(gallery.anywhere.reach) * 80 / (8 * zoom)
    np.testing.assert_allclose(found.center[0], place, atol=step)
    assert (np.diff(found.similarity) <= 0).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_view_that_is_framed_as_usual_is_looked_at_closely(
    toy: Toy, gallery: pose.Gallery, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    view, turn = int(rng.integers(VIEWS)), int(rng.integers(24))
    near = 2 * float(gallery.framed.reach) * 80 / 8
    place = 24 + rng.uniform(-near, near, 2)
    photograph = placed(toy, gallery, view, turn, 1.0, place, seed)
    found = find(gallery.framed, photograph, toy.camera, 8)
    assert view in np.asarray(found.view[:4])
    assert found.view.shape == (8,)
    np.testing.assert_array_equal(found.zoom, 1.0)
    assert np.abs(np.asarray(found.center) - 24).max() <= np.sqrt(2) * near + 1e-3


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns an image [h, w, c] between pixel centres, going on at the border."""
    height, width = image.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left = np.minimum(x.astype(int), width - 2)
    top = np.minimum(y.astype(int), height - 2)
    right, down = (x - left)[..., None], (y - top)[..., None]
    above = image[top, left] * (1 - right) + image[top, left + 1] * right
    below = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return above * (1 - down) + below * down


def halved(image: np.ndarray) -> np.ndarray:
    side = len(image) // 2
    return image.reshape(side, 2, side, 2, -1).mean(axis=(1, 3))


def test_the_convolution_is_the_similarity_of_one_window(
    toy: Toy, windows: matching.Windows
) -> None:
    side = windows.search.side
    image = np.asarray(cluttered(toy, toy.truth[:1], 0)[0], np.float64)
    found = find(windows, jnp.asarray(image, jnp.float32), toy.camera, 4)
    view, turn, zoom = (np.asarray(x)[0] for x in found[:3])
    spacing = 2 * float(windows.reach) * 80 / (side * zoom)
    # A margin of one fine pixel, for differences.
    offsets = (np.arange(2 * side + 2) - 0.5) / 2 - side / 2
    across, down = np.meshgrid(offsets * spacing, offsets * spacing)
    cosine, sine = np.cos(turn), np.sin(turn)
    column, row = np.asarray(found.center)[0]
    fine = bilinear(
        image,
        cosine * across - sine * down + column,
        sine * across + cosine * down + row,
    )
    squares = bilinear(
        (image**2).sum(axis=2, keepdims=True),
        cosine * across - sine * down + column,
        sine * across + cosine * down + row,
    )
    inside = slice(1, -1)
    colors, energy = halved(fine[inside, inside]), halved(squares[inside, inside])
    weights = np.asarray(windows.weights[view], np.float64)[..., None]
    mean = (weights * colors).sum() / 3
    variance = (weights * energy).sum() - 3 * mean**2
    cross = (np.moveaxis(windows.colors[view], 0, -1) * colors).sum()
    x = (fine[inside, 2:] - fine[inside, :-2]) / 2
    y = (fine[2:, inside] - fine[:-2, inside]) / 2
    doubled = np.stack([(x * x - y * y).sum(2), 2 * (x * y).sum(2)], axis=2)
    length = halved((x * x + y * y).sum(2)) + 0.05**2
    edges = (np.moveaxis(windows.edges[view], 0, -1) * halved(doubled) / length).sum()
    expected = float(cross / np.sqrt(variance + 1e-3) + 3 * edges)
    assert float(found.similarity[0]) == pytest.approx(expected, abs=2e-3)


def test_windows_are_normalised(windows: matching.Windows) -> None:
    np.testing.assert_allclose(windows.weights.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    lengths = np.hypot(windows.edges[:, 0], windows.edges[:, 1])
    np.testing.assert_allclose(lengths.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    # About the object's mean colour: a brighter photograph changes nothing.
    np.testing.assert_allclose(windows.colors.sum(axis=(1, 2, 3)), 0.0, atol=1e-4)


def test_views_that_fill_up_are_not_to_be_found(toy: Toy) -> None:
    views = [
        View(str(i), np.zeros((48, 48, 3), np.float32), camera=camera)
        for i, camera in enumerate(
            cameras.with_pose(toy.camera, matrix) for matrix in toy.truth
        )
    ]
    found = galleries.gallery_of_views(toy.twin, views)
    reals = len(pose.gallery_poses(np.asarray(toy.truth), np.zeros(3)))
    assert len(found.codes) > reals >= 3
    of_both = (found.framed, found.anywhere)
    for part in [p for both in of_both for p in (both.colors, both.edges)]:
        told = np.abs(np.asarray(part)).reshape(len(part), -1).max(axis=1) > 0
        assert told.tolist() == [i < reals for i in range(len(part))]


def test_places_reach_as_far_as_the_photograph(toy: Toy) -> None:
    assert matching.places(toy.camera, 0.3) == 3
    assert matching.places(toy.camera, 10.0) == 1
    assert matching.places(toy.camera, 1e-3) == 6


def test_the_reach_holds_every_covered_pixel(toy: Toy, gallery: pose.Gallery) -> None:
    drawn: Any = render.render(
        toy.gaussians,
        cameras.with_pose(toy.camera, toy.truth[0]),
        background=jnp.ones(3),
        capacity=CAPACITY,
    )
    rows, columns = np.nonzero(np.asarray(drawn.alpha) > 0.5)
    farthest = np.hypot(rows + 0.5 - 24, columns + 0.5 - 24).max() / 80
    assert farthest <= float(gallery.framed.reach) * 1.2
    x, y, z = se3.apply(toy.truth[0], jnp.array([0.1, -0.2, 0.3]))
    seen = matching.project(
        cameras.with_pose(toy.camera, toy.truth[0]), jnp.array([0.1, -0.2, 0.3])
    )
    np.testing.assert_allclose(seen, [24 + 80 * x / z, 24 + 80 * y / z], rtol=1e-5)
