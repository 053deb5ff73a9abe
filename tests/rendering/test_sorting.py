"""Both ways of each sort give the same lists."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.rendering import sorting
from jaxsplat.rendering.pallas.searching import Search


def pairs(tiles: int, n: int, images: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    of_pairs = rng.integers(0, tiles + 1, (images, 500)).astype(np.int32)
    ranks = np.sort(rng.integers(0, n, (images, 500)), axis=1).astype(np.int32)
    return of_pairs, ranks


def sorted_by_hand(
    of_pairs: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    order = np.stack([np.lexsort(rows) for rows in zip(ranks, of_pairs, strict=True)])
    return tuple(np.take_along_axis(x, order, axis=1) for x in (of_pairs, ranks))


# 32 bits hold a rank of 60 and 31 tiles, but not one of 2^28.
@pytest.mark.parametrize("n", [60, 2**28])
@pytest.mark.parametrize("tiles", [31, 70_000])
def test_by_group_is_the_sort_by_group_then_rank(tiles: int, n: int) -> None:
    of_pairs, ranks = pairs(tiles, n)
    found = sorting.by_group(jnp.asarray(of_pairs), jnp.asarray(ranks), tiles, n)
    expected = sorted_by_hand(of_pairs, ranks)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("tiles", [31, 70_000])
def test_flat_sort_equals_the_packed_one(tiles: int) -> None:
    of_pairs, ranks = (jnp.asarray(x) for x in pairs(tiles, 60))
    flat = sorting.flat_by_group(of_pairs, ranks, tiles)
    packed = sorting.packed_by_group(of_pairs, ranks, 60)
    np.testing.assert_array_equal(flat[0], packed[0])
    np.testing.assert_array_equal(flat[1], packed[1])


def test_largest_packed_key_keeps_its_tile() -> None:
    # 16 bits of rank and 16 of tile fill the word; the top bit must not be a sign.
    tiles = jnp.array([[65535, 0, 40000, 65535]], jnp.int32)
    ranks = jnp.array([[65535, 65535, 1, 0]], jnp.int32)
    found = sorting.packed_by_group(tiles, ranks, 65536)
    np.testing.assert_array_equal(found[0][0], [0, 40000, 65535, 65535])
    np.testing.assert_array_equal(found[1][0], [65535, 1, 0, 65535])


@pytest.mark.parametrize("images", [1, 3])
def test_depth_order_is_stable(images: int) -> None:
    rng = np.random.default_rng(1)
    depths = rng.choice([0.02, 1.0, 1.0000001, 3e7, 5.5], (images, 200))
    depths = depths.astype(np.float32)
    expected = np.argsort(depths, axis=1, kind="stable")
    for order in (sorting.depth_order, sorting.flat_order):
        np.testing.assert_array_equal(order(jnp.asarray(depths)), expected)


def test_the_kernel_finds_the_places_that_xla_finds() -> None:
    rng = np.random.default_rng(3)
    rows = np.sort(rng.integers(0, 150, (3, 45)), axis=1).astype(np.int32)
    rows[1] = 7
    for first, count in ((0, 151), (1, 128)):
        expected = sorting.search(jnp.asarray(rows), first, count)
        found = Search(interpret=True)(jnp.asarray(rows), first, count)
        assert found.dtype == jnp.int32
        np.testing.assert_array_equal(found, expected)
        wanted = first + np.arange(count)
        np.testing.assert_array_equal(
            expected, (rows[:, None] < wanted[:, None]).sum(axis=2)
        )
