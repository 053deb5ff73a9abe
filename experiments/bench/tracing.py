"""Functions of records as functions of their arrays."""

from collections.abc import Callable
from typing import Any

import jax


def flattened(
    function: Callable[..., Any], *arguments: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """Returns the function of the arguments' leaves, and the leaves.

    JAX describes a traced function's arguments by records of the same kinds that hold
    no arrays, which checked records refuse to do.
    """
    leaves, structure = jax.tree_util.tree_flatten(arguments)

    def flat(*leaves: Any) -> Any:
        return function(*jax.tree.unflatten(structure, leaves))

    return flat, leaves
