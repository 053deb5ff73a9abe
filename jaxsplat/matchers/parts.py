"""Modules that stand in the networks' files under numbers, some without parameters."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jaxtyping import Float


class Numbered(nnx.Module):
    """Modules by their number in the file; called, one after the other.

    A number whose module is not needed has None.
    """

    def __init__(self, *parts: nnx.Module | None) -> None:
        self.count = len(parts)
        for number, part in enumerate(parts):
            setattr(self, str(number), part)

    def __call__(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        for number in range(self.count):
            x = getattr(self, str(number))(x)
        return x


class Activation(nnx.Module):
    """A function without parameters that has a number too."""

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self.function = function

    def __call__(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.function(x)


class AveragePool(nnx.Module):
    """The mean of squares of pixels side by side."""

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
        count, height, width, channels = x.shape
        s = self.side
        shape = (count, height // s, s, width // s, s, channels)
        return jnp.mean(x.reshape(shape), axis=(2, 4))


def relu() -> Activation:
    """Returns the rectifier."""
    return Activation(nnx.relu)


def selu() -> Activation:
    """Returns the scaled exponential linear unit."""
    return Activation(nnx.selu)


def gelu() -> Activation:
    """Returns the exact Gaussian error linear unit."""
    return Activation(_gelu)


def _gelu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    return jax.nn.gelu(x, approximate=False)
