"""Which poses count as different."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.core import se3
from jaxsplat.pose import hypotheses


def turned(*degrees: float) -> jnp.ndarray:
    twists = [[0.0, 0, 0, 0, np.radians(d), 0] for d in degrees]
    return jnp.stack([se3.exp(jnp.asarray(t, jnp.float32)) for t in twists])


def test_the_best_of_each_side_is_chosen() -> None:
    poses = turned(0, 4, 90, 93, 180)
    costs = jnp.array([3.0, 2.0, 5.0, 1.0, jnp.inf])
    chosen, found = hypotheses.distinct(poses, costs, 3)
    assert chosen.tolist() == [3, 1, 3]
    np.testing.assert_array_equal(found, [1.0, 2.0, np.inf])


def test_ten_degrees_make_the_difference() -> None:
    first, near, far = turned(0, 9.5, 10.5)
    assert bool(hypotheses.alike(first, near))
    assert not bool(hypotheses.alike(first, far))


def test_costs_that_are_all_infinite_choose_the_first() -> None:
    chosen, _ = hypotheses.distinct(turned(0, 90), jnp.full(2, jnp.inf), 2)
    assert chosen.tolist() == [0, 0]
