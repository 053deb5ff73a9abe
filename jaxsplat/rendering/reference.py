"""The specification: every Gaussian at every pixel, in depth order, no tiles."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.rendering import blending, sorting
from jaxsplat.rendering.projection import Splats


def composite(splats: Splats, width: int, height: int) -> Float[Array, "5 h w"]:
    """Returns red, green, blue, depth (each weighted by opacity) and coverage.

    Kerbl et al. 2023, equation 3. Memory and time grow with n * h * w; every
    derivative, forward or reverse, comes from JAX itself.
    """
    order = sorting.depth_order(lax.stop_gradient(splats.depths)[None])[0]
    channels = jnp.concatenate(
        [splats.colors, splats.depths[:, None], jnp.ones_like(splats.depths)[:, None]],
        axis=1,
    )
    columns = (splats.means, splats.factors, splats.log_opacities, channels)
    xs = jnp.arange(width, dtype=jnp.float32) + 0.5
    ys = jnp.arange(height, dtype=jnp.float32)[:, None] + 0.5

    def blend(carry: tuple[Array, Array], splat: tuple) -> tuple[tuple, None]:
        transmittance, image = carry
        (u, v), (p, q, r), log_opacity, channels = splat
        alpha = blending.alpha(u - xs, v - ys, p, q, r, log_opacity)
        weight, transmittance = blending.advance(transmittance, alpha)
        return (transmittance, image + channels[:, None, None] * weight), None

    dark = jnp.zeros((5, height, width), jnp.float32)
    start = (jnp.ones_like(dark[0]), dark)
    in_order = jax.tree.map(lambda column: column[order], columns)
    (_, image), _ = lax.scan(blend, start, in_order)
    return image
