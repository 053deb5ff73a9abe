"""Coverage of closed surfaces is what geometry says, where alpha is not."""

import math

import jax.numpy as jnp
import numpy as np

from jaxsplat.rendering import solids

SCALE = 0.65


def blended(share: np.ndarray) -> np.ndarray:
    """Returns alpha where front and back of a closed surface cover a share each.

    A cell's Gaussian of deviation `SCALE` adds up to 2 pi SCALE^2 over cells, and many
    faint Gaussians multiply to the exponential.
    """
    return 1 - np.exp(-2 * 2 * math.pi * SCALE**2 * share)


def test_half_covered_pixels_are_half_covered() -> None:
    share = np.linspace(0, 1, 11, dtype=np.float32).reshape(1, 11)
    alpha = jnp.asarray(blended(share), jnp.float32)
    assert alpha[0, 5] > 0.9
    np.testing.assert_allclose(solids.coverage(alpha, SCALE), share, atol=1e-4)


def test_more_surfaces_than_two_are_no_more_than_covered() -> None:
    alpha = jnp.asarray([[0.9999, 1.0]], jnp.float32)
    np.testing.assert_allclose(solids.coverage(alpha, SCALE), 1, atol=1e-6)
