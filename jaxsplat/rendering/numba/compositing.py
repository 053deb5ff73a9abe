"""Images of splats, and their derivative, by the handler."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.rendering import splat_table, tiling
from jaxsplat.rendering.batching import natively_batched
from jaxsplat.rendering.numba import target
from jaxsplat.rendering.projection import Splats


def bin_splats(
    splats: Splats, width: int, height: int, capacity: int
) -> tuple[list[Array], Int[Array, ""]]:
    """Returns the tile lists of an image, and the pairs that complete ones need.

    The lists are ids, slots, starts, ends and spans, see `lists.bin_image`.
    """
    columns, rows = tiling.grid(width, height)

    def of_batch(depths: Array, *fields: Array) -> tuple[Array, ...]:
        b, n = depths.shape
        shapes = [(b, capacity), (b, capacity), *[(b, rows, columns)] * 2, (b, n, 2)]
        return call(target.BIN, [*shapes, (b,)], jnp.int32, *fields, depths)

    frozen = jax.lax.stop_gradient(splats)
    *lists, needed = natively_batched(of_batch)(
        frozen.depths, frozen.means, frozen.factors, frozen.reach, frozen.extents
    )
    return lists, needed


def composite(
    splats: Splats, width: int, height: int, capacity: int
) -> tuple[Float[Array, "5 h w"], Int[Array, ""]]:
    """Returns what `reference.composite` returns, and the pairs that it took."""
    lists, needed = bin_splats(splats, width, height, capacity)
    image = _composite(splat_table.table(splats), lists, (height, width))
    return image, needed


def _image(table: Array, lists: list[Array], size: tuple[int, int]) -> Array:
    def forward(table: Array, *lists: Array) -> tuple[Array, ...]:
        shape = (len(table), splat_table.CHANNELS, *size)
        return call(target.COMPOSITE, [shape], jnp.float32, table, *lists)

    ids, _, starts, ends, _ = lists
    return natively_batched(forward)(table, ids, starts, ends)[0]


def _forward(
    table: Array, lists: list[Array], size: tuple[int, int]
) -> tuple[Array, tuple]:
    image = _image(table, lists, size)
    return image, (table, lists, image)


def _backward(size: tuple[int, int], residuals: tuple, cotangent: Array) -> tuple:
    def backward(table: Array, spans: Array, *rest: Array) -> tuple[Array, ...]:
        b, m = rest[0].shape
        shape = (b, m, table.shape[2])
        rows = call(target.DIFFERENTIATE, [shape], jnp.float32, table, *rest)
        return call(target.GATHER, [table.shape], jnp.float32, *rows, spans)

    table, (*lists, spans), image = residuals
    found = natively_batched(backward)(table, spans, *lists, image, cotangent)
    return found[0], None


_composite = jax.custom_vjp(_image, nondiff_argnums=(2,))
_composite.defvjp(_forward, _backward)


def call(
    which: int, shapes: list[tuple[int, ...]], dtype: Any, *operands: Array
) -> tuple[Array, ...]:
    """Returns what the handler makes.

    Args:
        which: of the kinds of work in `target`.
        shapes: of the results.
        dtype: of all results.
        operands: what it takes; see `work`.
    """
    results = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
    handler = jax.ffi.ffi_call(target.registered(which), results)
    return tuple(handler(*operands, work=np.int64(which)))
