"""The starts of all queries, worked on in groups of equal size."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float


def map_pairs(
    function: Callable[[tuple[Array, Array]], Any],
    starts: Float[Array, "b k 4 4"],
    together: int | None,
) -> Any:
    """Returns function((query's index, start)) for every start, [b, k, ...].

    Pairs are spread evenly, the last group filled up with pairs that are there already:
    a smaller one would be compiled as a second program.
    """
    size, k = starts.shape[:2]
    groups = 1 if together is None else max(1, -(-size * k // together))
    side_by_side = -(-size * k // groups)
    pair = jnp.arange(groups * side_by_side) % max(1, size * k)
    pairs = (pair // k, starts.reshape(-1, 4, 4)[pair])
    found = lax.map(function, pairs, batch_size=side_by_side)
    return jax.tree.map(lambda x: x[: size * k].reshape(size, k, *x.shape[1:]), found)
