"""Blur of maps, against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxsplat.scores.blur import blur


@pytest.mark.parametrize("sigma", [4.0, 2.24])
def test_blur_is_scipys_up_to_the_border(sigma: float) -> None:
    rng = np.random.default_rng(5)
    maps = rng.uniform(size=(2, 40, 50)).astype(np.float32)
    expected = [scipy.ndimage.gaussian_filter(one, sigma=sigma) for one in maps]
    found = jax.jit(blur, static_argnums=1)(jnp.asarray(maps), sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
