"""Functions of a whole batch that `vmap` reaches in one call."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap


def natively_batched(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function of one image, of which `vmap` is `function` itself.

    Nested `vmap`s come as one leading axis. Not differentiable.

    Args:
        function: takes arrays whose first axis is the image, returns a tuple of such.
    """
    many = custom_vmap(function)

    @many.def_vmap
    def rule(
        size: int, in_batched: list[bool], *arrays: jax.Array
    ) -> tuple[tuple[jax.Array, ...], tuple[bool, ...]]:
        joined = (
            (x if is_batched else jnp.broadcast_to(x, (size, *x.shape)))
            for x, is_batched in zip(arrays, in_batched, strict=True)
        )
        found = many(*(x.reshape(-1, *x.shape[2:]) for x in joined))
        split = tuple(x.reshape(size, -1, *x.shape[1:]) for x in found)
        return split, (True,) * len(split)

    def one(*arrays: Any) -> Any:
        found = many(*(jnp.asarray(x)[None] for x in arrays))
        return tuple(x[0] for x in found)

    return one
