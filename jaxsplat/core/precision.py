"""Float32 for all that is computed, whatever JAX's own default is.

With `jax_enable_x64`, as many notebooks have it, the arrays that a user makes are
float64, and so is a NumPy number.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def single(tree: Any) -> Any:
    """Returns a tree of arrays and numbers with float64 arrays and numbers as float32.

    Arrays of other types stay as they are.
    """
    return jax.tree.map(_single, tree)


def _single(leaf: Any) -> Any:
    if isinstance(leaf, float | int) and not isinstance(leaf, bool):
        return np.float32(leaf)
    double = getattr(leaf, "dtype", None) == np.float64
    return jnp.asarray(leaf, jnp.float32) if double else leaf
