"""Several poses of one photograph: which differ, and which to go on with."""

import math

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int

# Poses nearer to each other than this, in radians, are one hypothesis.
SAME = math.radians(10.0)


def alike(
    first: Float[Array, "... 4 4"], second: Float[Array, "... 4 4"]
) -> Bool[Array, "..."]:
    """Returns whether two poses look at the object from about the same side."""
    products = first[..., :3, :3] * second[..., :3, :3]
    return jnp.sum(products, axis=(-2, -1)) > 1 + 2 * math.cos(SAME)


def distinct(
    poses: Float[Array, "k 4 4"], costs: Float[Array, " k"], keep: int
) -> tuple[Int[Array, " keep"], Float[Array, " keep"]]:
    """Returns the poses of least cost that differ from one another, best first.

    Args:
        poses: `camera_from_world`, [k, 4, 4].
        costs: infinite for poses that shall not be taken, [k].
        keep: how many to return.

    Returns:
        Indices and costs. Where fewer differ, the best is there again, at infinite
        cost.
    """
    near = alike(poses[:, None], poses[None])
    best = jnp.argmin(costs)

    def choose(left: Array, _: None) -> tuple[Array, tuple[Array, Array]]:
        index = jnp.argmin(left)
        cost = left[index]
        index = jnp.where(jnp.isfinite(cost), index, best)
        return jnp.where(near[index], jnp.inf, left), (index, cost)

    # Unrolled: on a GPU a loop starts more kernels than what it turns over.
    _, (indices, chosen) = jax.lax.scan(choose, costs, None, keep, unroll=True)
    return indices.astype(jnp.int32), chosen
