"""How much is worked on side by side: a GPU shall be full, a CPU keep its caches."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.errors import ConfigError
from jaxsplat.rendering.backends import default_device

# One by one leaves the renderer's groups of tiles half empty at 100 pixels: 8 take .35
# to .55 of that time.
_ON_CPU = 8


def check_together(together: int | None) -> None:
    """Raises ConfigError unless that many can be worked on side by side."""
    if together is not None and together < 1:
        raise ConfigError(f"together: found {together}, expected 1 or more")


def side_by_side(count: int, together: int | None = None, on_cpu: int = _ON_CPU) -> int:
    """Returns how many of so many items are worked on at once.

    Args:
        count: items in all.
        together: how many are asked for; when None, all on a GPU and `on_cpu` on a CPU.
        on_cpu: see `together`.
    """
    if together is None:
        together = on_cpu if default_device().platform == "cpu" else count
    return max(1, min(together, count))


def mapped(function: Callable[[Any], Any], items: Any, together: int) -> Any:
    """Returns function(item) for every item, so many side by side.

    A group of one would be a batch all the same, of which gradients take two to three
    times as long on a CPU as of one alone.

    Args:
        function: pure.
        items: with an axis of items.
        together: see `side_by_side`.
    """
    return lax.map(function, items, batch_size=None if together == 1 else together)


def map_pairs(
    function: Callable[[tuple[Array, Array]], Any],
    starts: Float[Array, "b k 4 4"],
    together: int | None,
    on_cpu: int = _ON_CPU,
) -> Any:
    """Returns function((query's index, start)) for every start, [b, k, ...].

    Pairs are spread evenly, the last group filled up with pairs that are there already:
    a smaller one would be compiled as a second program.
    """
    size, k = starts.shape[:2]
    groups = max(1, -(-size * k // side_by_side(size * k, together, on_cpu)))
    in_group = -(-size * k // groups)
    pair = jnp.arange(groups * in_group, dtype=jnp.int32) % max(1, size * k)
    pairs = (pair // k, starts.reshape(-1, 4, 4)[pair])
    found = mapped(function, pairs, in_group)
    return jax.tree.map(lambda x: x[: size * k].reshape(size, k, *x.shape[1:]), found)
