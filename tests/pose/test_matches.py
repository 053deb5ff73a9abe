"""Coarse poses from matches with the sample's photographs."""

import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import jaxsplat
from jaxsplat import errors, pose
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, over_background
from jaxsplat.matchers import Keypoints, registry
from jaxsplat.pose.starts import canvases, matches
from tests.helpers import formula_weights, toy_object

PART = pose.MatchStarts(k=2, keypoints=128, shortlist=3)
WHITE = np.ones(3, np.float32)


@pytest.fixture(scope="module")
def views() -> tuple[View, ...]:
    """Returns photographs of the sample: three from elsewhere and two neighbours."""
    train = jaxsplat.load_object(jaxsplat.sample_dir() / "01Penguin").train
    by_name = {view.name[-7:-4]: view for view in train}
    return tuple(by_name[name] for name in ("000", "030", "050", "067", "094"))


@pytest.mark.slow
def test_a_turned_and_shifted_photograph_is_found_by_its_neighbour(
    views: tuple[View, ...],
) -> None:
    *gallery, asked = views
    assert asked.camera is not None
    twin = dataclasses.replace(toy_object.twin(toy_object.views()), camera=asked.camera)
    state = PART.prepare(twin, gallery, jax.random.key(0))
    image = over_background(asked, WHITE)
    # Turned clockwise by a quarter, and eight pixels to the right.
    turned = np.full_like(image, 1.0)
    turned[:, 8:] = np.rot90(image, -1)[:, :-8]
    roll = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    truth = roll @ np.asarray(asked.camera.camera_from_world)[:3, :3]
    photographs = np.stack([turned, np.ones_like(image), np.full_like(image, np.nan)])
    found = PART(twin, state, pose.on_plain(jnp.asarray(photographs)))
    start = np.asarray(found.camera_from_world[0, 0])
    cosine = (np.trace(start[:3, :3] @ truth.T) - 1) / 2
    # The neighbour is 13.5 degrees away.
    assert np.degrees(np.arccos(cosine)) < 20
    # The object's centre is seen where it is.
    seen = start[:3, 3] + start[:3, :3] @ np.asarray(twin.center)
    expected = roll @ (asked.camera.camera_from_world[:3, 3])
    camera = asked.camera
    assert seen[0] / seen[2] * float(camera.fx) == pytest.approx(
        expected[0] / expected[2] * float(camera.fx) + 8, abs=8
    )
    assert float(found.costs[0, 0]) < -20
    # Without object, and of an image that is not finite, nothing is found.
    assert np.isposinf(found.costs[1:]).all()
    assert np.isfinite(found.camera_from_world).all()


@pytest.mark.slow
def test_a_view_has_most_matches_with_itself_by_cells_of_any_weights(
    views: tuple[View, ...], tmp_path: pathlib.Path
) -> None:
    shapes = registry.file_shapes("loftr")
    tensors = {name: formula_weights.tensor(name, s) for name, s in shapes.items()}
    file = str(tmp_path / "loftr.safetensors")
    safetensors.numpy.save_file(tensors, file)
    part = pose.MatchStarts(
        k=1,
        detector="loftr",
        detector_file=file,
        matcher="loftr",
        matcher_file=file,
        side=96,
        shortlist=2,
    )
    asked = views[3]
    assert asked.camera is not None
    twin = dataclasses.replace(toy_object.twin(toy_object.views()), camera=asked.camera)
    state = part.prepare(twin, views, jax.random.key(0))
    assert state.keypoints.places.shape[1] == 12 * 12
    image = jnp.asarray(over_background(asked, WHITE))[None]
    found = part(twin, state, pose.on_plain(image))
    np.testing.assert_allclose(
        found.camera_from_world[0, 0], asked.camera.camera_from_world, atol=1e-2
    )


def test_canvases_are_squares_and_their_cameras_see_the_same() -> None:
    images = np.full((1, 300, 500, 3), 0.5, np.float32)
    images[0, 40:60, 30:50] = 0.0
    square = np.asarray(
        canvases.canvas(jnp.asarray(images), jnp.asarray(WHITE * 0.5), 384)
    )
    assert square.shape == (1, 384, 384, 3)
    camera = Camera(
        jnp.eye(4), *(jnp.float32(x) for x in (600, 600, 240, 160)), 500, 300
    )
    ray = cameras.ray(camera, jnp.array([40.0, 50.0]))
    whole = canvases.on_canvas(camera, 384)
    x, y = ray[0] * whole.fx + whole.cx, ray[1] * whole.fy + whole.cy
    rows, columns = np.nonzero(square[0, ..., 0] < 0.25)
    assert columns.mean() + 0.5 == pytest.approx(float(x), abs=0.6)
    assert rows.mean() + 0.5 == pytest.approx(float(y), abs=0.6)


def keypoints(described: np.ndarray, real: np.ndarray) -> Keypoints:
    places = jnp.zeros((*real.shape, 2))
    ones = jnp.ones(real.shape)
    return Keypoints(places, jnp.asarray(described), ones, jnp.asarray(real), 9, 9)


def test_mutual_nearest_are_counted() -> None:
    rng = np.random.default_rng(3)
    views = rng.normal(size=(4, 9, 5)).astype(np.float32)
    query = rng.normal(size=(7, 5)).astype(np.float32)
    real_views, real = rng.random((4, 9)) < 0.7, np.arange(7) < 5
    expected = []
    for one, is_real in zip(views, real_views, strict=True):
        similarity = query[real] @ one[is_real].T
        back = similarity.argmax(0)
        expected.append((back[similarity.argmax(1)] == np.arange(5)).sum())
    found = matches.mutual_nearest(keypoints(query, real), keypoints(views, real_views))
    np.testing.assert_array_equal(found, expected)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(errors.ConfigError, match="shortlist: found 0"):
        pose.MatchStarts(shortlist=0)
