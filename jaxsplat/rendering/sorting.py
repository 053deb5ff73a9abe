"""The sorts of tile lists, for a batch of images, as each platform does them best.

On a GPU, XLA hands a sort to the vendor's radix sort only when it is one-dimensional
and its key a plain integer (XLA's sort rewriter); everything else is many times slower.
So all images are sorted at once, with the image in the upper part of the key. On a CPU
a sort of single numbers is several times faster than one of pairs, so there key and
payload share a word where they fit.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int

# From rows of sorted numbers, a first number and a count to places; see `search`.
Search = Callable[[Array, int, int], Array]


def depth_order(depths: Float[Array, "b n"]) -> Int[Array, "b n"]:
    """Returns each image's rows by depth; equal depths stay in order.

    Args:
        depths: positive, [b, n].
    """
    return lax.platform_dependent(depths, cpu=_rowwise_order, default=flat_order)


def by_group(
    groups: Int[Array, "b m"], ranks: Int[Array, "b m"], count: int, n: int
) -> tuple[Int[Array, "b m"], Int[Array, "b m"]]:
    """Returns each image's pairs sorted by group, then rank.

    Args:
        groups: from 0 to `count`, which stands for none, [b, m].
        ranks: in rising order, below `n`, [b, m].
        count: number of groups of an image.
        n: number of ranks.
    """

    def flat(groups: Array, ranks: Array) -> tuple[Array, Array]:
        return flat_by_group(groups, ranks, count)

    def packed(groups: Array, ranks: Array) -> tuple[Array, Array]:
        return packed_by_group(groups, ranks, n)

    if _rank_bits(n) + count.bit_length() > 32:
        return flat(groups, ranks)
    return lax.platform_dependent(groups, ranks, cpu=packed, default=flat)


def _rowwise_order(depths: Float[Array, "b n"]) -> Int[Array, "b n"]:
    places = lax.broadcasted_iota(jnp.int32, depths.shape, 1)
    return lax.sort((depths, places), dimension=1, num_keys=1, is_stable=True)[1]


def flat_order(depths: Float[Array, "b n"]) -> Int[Array, "b n"]:
    """Returns `depth_order` by one-dimensional sorts of integers."""
    b, n = depths.shape
    # The bits of positive floats are ordered like the floats.
    bits = lax.bitcast_convert_type(depths, jnp.uint32).reshape(-1)
    places = jnp.arange(b * n, dtype=jnp.int32)
    _, order = lax.sort((bits, places), num_keys=1, is_stable=True)
    if b > 1:
        images = (order // n).astype(_key_type(b))
        _, order = lax.sort((images, order), num_keys=1, is_stable=True)
    return order.reshape(b, n) - n * jnp.arange(b, dtype=jnp.int32)[:, None]


def flat_by_group(
    groups: Int[Array, "b m"], ranks: Int[Array, "b m"], count: int
) -> tuple[Int[Array, "b m"], Int[Array, "b m"]]:
    """Returns `by_group` by one one-dimensional sort of integers."""
    b, m = ranks.shape
    kind = _key_type(b * (count + 1))
    # In 32 bits first: images * groups need not fit in the key's type before.
    first = (count + 1) * jnp.arange(b, dtype=jnp.int32)[:, None]
    keys = (groups + first).astype(kind).reshape(-1)
    keys, ranks = lax.sort((keys, ranks.reshape(-1)), num_keys=1, is_stable=True)
    return keys.astype(jnp.int32).reshape(b, m) - first, ranks.reshape(b, m)


def packed_by_group(
    groups: Int[Array, "b m"], ranks: Int[Array, "b m"], n: int
) -> tuple[Int[Array, "b m"], Int[Array, "b m"]]:
    """Returns `by_group` with both in one 32-bit key, which must hold them."""
    shift = jnp.uint32(_rank_bits(n))
    keys = (groups.astype(jnp.uint32) << shift) | ranks.astype(jnp.uint32)
    keys = lax.sort(keys, dimension=1)
    found = keys & ((jnp.uint32(1) << shift) - 1)
    return (keys >> shift).astype(jnp.int32), found.astype(jnp.int32)


def search(rows: Int[Array, "b m"], first: int, count: int) -> Int[Array, "b k"]:
    """Returns how many of each row are less than first, first + 1 and so on.

    Args:
        rows: in rising order.
        first: see above.
        count: of numbers, k.
    """
    wanted = first + jnp.arange(count, dtype=rows.dtype)

    def by(method: str, rows: Array) -> Array:
        places = functools.partial(jnp.searchsorted, method=method)
        return jax.vmap(places, (0, None))(rows, wanted).astype(jnp.int32)

    # On a GPU each turn of a loop would start kernels of its own; on a CPU compiling
    # the unrolled search takes long, with JAX 0.12 minutes.
    loop, unrolled = (functools.partial(by, m) for m in ("scan", "scan_unrolled"))
    return lax.platform_dependent(rows, cpu=loop, default=unrolled)


def _rank_bits(n: int) -> int:
    return max(n - 1, 1).bit_length()


def _key_type(values: int) -> jnp.dtype:
    """Returns the narrowest unsigned type that a radix sort takes for that many."""
    return jnp.dtype(jnp.uint16 if values <= 2**16 else jnp.uint32)
