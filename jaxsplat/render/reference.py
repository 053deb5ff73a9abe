"""The specification: every Gaussian at every pixel, in depth order, no tiles."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.render import blending
from jaxsplat.render.projection import Splats


def composite(splats: Splats, width: int, height: int) -> Float[Array, "5 h w"]:
    """Returns red, green, blue, depth (each weighted by opacity) and coverage.

    Kerbl et al. 2023, equation 3. Memory and time grow with n * h * w; every
    derivative, forward or reverse, comes from JAX itself.
    """
    order = jnp.argsort(splats.depths, stable=True)
    sorted_splats = jax.tree.map(lambda leaf: leaf[order], splats)
    xs = jnp.arange(width, dtype=jnp.float32) + 0.5
    ys = jnp.arange(height, dtype=jnp.float32)[:, None] + 0.5

    def blend(carry: tuple[Array, Array], splat: Splats) -> tuple[tuple, None]:
        transmittance, image = carry
        alpha = blending.alpha(
            splat.means[0] - xs, splat.means[1] - ys, *splat.conics, splat.log_opacities
        )
        weight, transmittance = blending.advance(transmittance, alpha)
        channels = jnp.append(jnp.append(splat.colors, splat.depths), 1.0)
        return (transmittance, image + channels[:, None, None] * weight), None

    start = (jnp.ones((height, width)), jnp.zeros((5, height, width)))
    (_, image), _ = lax.scan(blend, start, sorted_splats)
    return image
