"""Photographs and objects as masks."""

import jax.numpy as jnp
import numpy as np

from jaxsplat import pose
from jaxsplat.pose import on_masks
from jaxsplat.rendering.twin import look
from tests.helpers import toy_object


def test_a_mask_is_what_differs_from_the_border() -> None:
    image = np.full((12, 16, 3), 0.8, np.float32)
    image[3:7, 4:9] = (0.8, 0.8, 0.6)
    image[9, 9] = 0.83  # under the limit
    expected = np.zeros((12, 16), bool)
    expected[3:7, 4:9] = True
    white = jnp.ones(3, jnp.float32)
    np.testing.assert_array_equal(on_masks.mask(jnp.asarray(image), white), expected)


def test_a_white_object_shows_its_coverage() -> None:
    twin = toy_object.twin(toy_object.views())
    camera = toy_object.cameras_around(4)[1]
    white = on_masks.white(twin)
    drawn = look(white, camera)
    np.testing.assert_allclose(drawn.color[..., 1], drawn.alpha, atol=1e-6)
    np.testing.assert_allclose(drawn.alpha, look(twin, camera).alpha, atol=1e-6)
    assert float(white.background.max()) == 0


def test_surroundings_that_are_unknown_leave_no_mask() -> None:
    image = jnp.asarray(toy_object.views(4, alpha=False)[0].image)[None]
    twin = toy_object.twin(toy_object.views())
    assert float(on_masks._as_masks(twin, pose.on_plain(image)).images.max()) == 1
    assert float(on_masks._as_masks(twin, pose.anywhere(image)).images.max()) == 0
