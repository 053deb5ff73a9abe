"""The twin: photographs, sizes, renders."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.data.views import View
from jaxsplat.methods import twin


def test_alpha_is_put_over_the_background() -> None:
    image = np.full((2, 3, 3), 0.25, np.float32)
    alpha = np.full((2, 3), 0.5, np.float32)
    white = np.ones(3, np.float32)
    shown = twin.photograph(View("a", image, alpha), white)
    np.testing.assert_allclose(shown, 0.75)
    assert twin.photograph(View("b", image), white) is image


def test_images_shrink_by_area_and_keep_their_mean() -> None:
    images = jnp.asarray(np.random.default_rng(0).random((2, 30, 50, 3), np.float32))
    small = twin.shrink(images, 20)
    assert small.shape == (2, 12, 20, 3)
    np.testing.assert_allclose(small.mean((1, 2)), images.mean((1, 2)), atol=1e-5)


def test_small_images_are_not_enlarged() -> None:
    assert twin.shrunken_size(40, 30, 100) == (40, 30)
    assert twin.shrunken_size(400, 1, 100) == (100, 1)
