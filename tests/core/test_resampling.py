"""Area resampling against a plain construction."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.core import resampling


def test_whole_factors_are_block_means() -> None:
    images = np.random.default_rng(1).random((2, 12, 8, 3)).astype(np.float32)
    small = resampling.area_resize(jnp.asarray(images), 3, 4)
    blocks = images.reshape(2, 3, 4, 4, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(small, blocks, atol=1e-6)


def test_a_pixel_cut_in_two_counts_for_both() -> None:
    row = jnp.asarray([[[[0.0], [3.0], [6.0]]]])
    small = resampling.area_resize(row, 1, 2)
    np.testing.assert_allclose(small.ravel(), [1.0, 5.0], atol=1e-6)
