"""Painting is the transpose of rendering."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import posed_cameras
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.scores import painting
from tests.helpers import toy_object


@pytest.fixture(scope="module")
def twin() -> Twin:
    return toy_object.twin(toy_object.views(4))


@pytest.fixture(scope="module")
def camera() -> Camera:
    return jax.tree.map(lambda x: x[1], posed_cameras(toy_object.views(4)))


def test_paint_is_the_adjoint_of_painted(twin: Twin, camera: Camera) -> None:
    rng = np.random.default_rng(0)
    size = (4, camera.height, camera.width)
    images = jnp.asarray(rng.normal(size=size).astype(np.float32))
    count = len(twin.gaussians.means)
    values = jnp.asarray(rng.normal(size=(count, 4)).astype(np.float32))
    of_each, weight = painting.paint(twin, camera, images)
    seen = painting.painted(twin, camera, values, jnp.zeros(4))
    assert float(jnp.vdot(seen, images)) == pytest.approx(
        float(jnp.vdot(values, of_each)), rel=1e-3
    )
    alpha = look(twin, camera).alpha
    assert float(weight.sum()) == pytest.approx(float(alpha.sum()), rel=1e-3)


def test_what_is_everywhere_the_same_looks_so(twin: Twin, camera: Camera) -> None:
    same = jnp.array([3.0, -1.0])
    values = jnp.tile(same, (len(twin.gaussians.means), 1))
    seen = painting.painted(twin, camera, values, same)
    assert seen.shape == (2, camera.height, camera.width)
    np.testing.assert_allclose(seen[0], 3.0, rtol=1e-5)
    np.testing.assert_allclose(seen[1], -1.0, rtol=1e-5)


def test_views_count_by_what_they_show_of_a_gaussian(
    twin: Twin, camera: Camera
) -> None:
    three = jax.tree.map(lambda x: jnp.stack([x] * 3), camera)
    seen = np.asarray(painting.views_that_see(twin, three))
    _, weight = painting.paint(
        twin, camera, jnp.zeros((1, camera.height, camera.width))
    )
    shown = np.asarray(weight) > 1e-3
    assert 0 < shown.sum() < len(seen)
    np.testing.assert_allclose(seen[shown], 3.0, rtol=1e-4)
    # Views from all around: none counts for more than one.
    around = posed_cameras(toy_object.views(4))
    seen = np.asarray(painting.views_that_see(twin, around))
    assert (seen < 4 + 1e-4).all() and 1 < seen.max()
    assert (seen[shown] > 1 - 1e-4).all()


def test_cameras_become_smaller_only(camera: Camera) -> None:
    small = painting.of_size(camera, camera.height // 2, camera.width // 2)
    assert (small.height, small.width) == (camera.height // 2, camera.width // 2)
    assert float(small.fx) == pytest.approx(float(camera.fx) / 2)
    large = painting.of_size(camera, 2 * camera.height, 2 * camera.width)
    assert (large.height, large.width) == (camera.height, camera.width)
