"""Compositing by kernels, with its derivative."""

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.rendering import splat_table, tiling
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.pallas.backward import backward
from jaxsplat.rendering.pallas.forward import forward
from jaxsplat.rendering.pallas.launch import Bounds, Launch
from jaxsplat.rendering.projection import Splats


def launch_for(width: int, height: int, interpret: bool) -> Launch:
    """Returns how kernels run over an image's tiles."""
    return Launch(*tiling.grid(width, height), interpret)


def composite(
    splats: Splats, lists: TileLists, width: int, height: int, interpret: bool = False
) -> Float[Array, "5 h w"]:
    """Returns what `reference.composite` returns, from tile lists."""
    launch = launch_for(width, height, interpret)
    bounds = lists.ids, lists.starts, lists.ends
    tiles = _composite(splat_table.table(splats), bounds, launch)
    return tiling.join(jnp.swapaxes(tiles, 1, 2), width, height)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _composite(table: Array, lists: Bounds, launch: Launch) -> Array:
    return forward(table, lists, launch)


def _composite_fwd(
    table: Array, lists: Bounds, launch: Launch
) -> tuple[Array, tuple[Array, Bounds, Array]]:
    image = forward(table, lists, launch)
    return image, (table, lists, image)


def _composite_bwd(
    launch: Launch, residuals: tuple[Array, Bounds, Array], cotangent: Array
) -> tuple[Array, None]:
    return backward(*residuals, cotangent, launch), None


_composite.defvjp(_composite_fwd, _composite_bwd)
