"""The robust loss against its derivative."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.pose import robust


def test_weights_are_those_of_the_losss_own_slope() -> None:
    residuals = jnp.linspace(-3.0, 3.0, 25)

    def half(residual: jax.Array) -> jax.Array:
        return 0.5 * robust.geman_mcclure(residual**2, 0.7).losses

    slopes = jax.vmap(jax.grad(half))(residuals)
    found = robust.geman_mcclure(residuals**2, 0.7)
    np.testing.assert_allclose(found.weights * residuals, slopes, rtol=1e-5, atol=1e-7)
    # What fits counts in full, what does not at all adds no more than the scale.
    assert found.weights[12] == 1.0 and float(found.losses.max()) < 0.7**2
