"""Networks as settings and dictionaries give what their modules give."""

import dataclasses

import jax
import numpy as np
from flax import nnx

from jaxsplat import learning


@dataclasses.dataclass(frozen=True)
class Two:
    """Two layers."""

    width: int = 3

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        return nnx.Sequential(
            nnx.Linear(2, self.width, rngs=rngs), nnx.Linear(self.width, 1, rngs=rngs)
        )


def test_parameters_have_dotted_names_and_the_modules_values() -> None:
    params = learning.initial(Two(), jax.random.key(3))
    assert set(params) == {
        f"layers.{layer}.{kind}" for layer in (0, 1) for kind in ("bias", "kernel")
    }
    module = Two().build(nnx.Rngs(jax.random.key(3)))
    x = jax.random.normal(jax.random.key(0), (4, 2))
    np.testing.assert_allclose(learning.apply(Two(), params, x), module(x), rtol=1e-5)


def test_the_dictionary_is_what_counts() -> None:
    params = learning.initial(Two(), jax.random.key(3))
    other = learning.initial(Two(), jax.random.key(4))
    assert not np.array_equal(params["layers.0.kernel"], other["layers.0.kernel"])
    zeros = jax.tree.map(lambda leaf: 0 * leaf, params)
    x = np.ones((4, 2), np.float32)
    assert not learning.apply(Two(), zeros, x).any()
    slope = jax.grad(lambda p: learning.apply(Two(), p, x).sum())(params)
    assert set(slope) == set(params)
