"""The iterative relative pose refinement network (RPE-PAD's IRPRN), in Flax."""

import dataclasses
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import resampling, safe
from jaxsplat.errors import ConfigError

# Kernels of a dynamic convolution and the temperature of their weights' softmax, which
# are those of Chen et al. 2020 ("Dynamic Convolution: Attention over Convolution
# Kernels"); the paper names no numbers. Their temperature falls to 1 over ten epochs:
# here, where trainings are short, it stays between.
_KERNELS, _TEMPERATURE = 4, 10.0
# Channels that tell what stands at a place beside the correlations there.
_LOOK = 16


@dataclasses.dataclass(frozen=True)
class Irprn:
    """Settings of the network; the defaults are the paper's where it gives any.

    Attributes:
        channels: of the backbone's map.
        layers: N, refinements after the coarse pose.
        width: channels of the maps that are refined.
        hidden: width of the heads' hidden layer.
        compared: "side by side" stacks the channels of both maps, as the paper seems to
            do. "correlated" takes the cosines of every place of the reference with the
            places around it in the photograph, which tell by how far what is there has
            moved; two convolutions of stride 2 follow.
        reach: of those cosines, in cells.
        grid: features are averaged over so many parts of the map along each side; 1 is
            the paper's mean over all places, which forgets where something moved.
    """

    channels: int
    layers: int = 3
    width: int = 512
    hidden: int = 512
    compared: Literal["side by side", "correlated"] = "side by side"
    reach: int = 3
    grid: int = 1

    def __post_init__(self) -> None:
        least = dict(channels=1, layers=0, width=1, hidden=1, reach=0, grid=1)
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(
                    f"{name}: found {getattr(self, name)}, expected {low} or more"
                )

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """Returns the network, its parameters drawn."""
        return Network(self, rngs)


class Convolution(nnx.Module):
    """A 3x3 convolution as a matrix product, quick to compile and on a CPU."""

    def __init__(self, inputs: int, outputs: int, stride: int, rngs: nnx.Rngs) -> None:
        self.linear = nnx.Linear(
            9 * inputs, outputs, kernel_init=nnx.initializers.he_normal(), rngs=rngs
        )
        self.stride = stride

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        return self.linear(neighbourhoods(x, self.stride))


class DynamicConvolution(nnx.Module):
    """A 3x3 convolution whose kernel is mixed for each example (Chen et al. 2020)."""

    def __init__(self, channels: int, rngs: nnx.Rngs) -> None:
        shape = (_KERNELS, 9 * channels * channels)
        deviation = (2 / (9 * channels)) ** 0.5
        drawn = deviation * jax.random.normal(rngs.params(), shape, jnp.float32)
        self.kernels = nnx.Param(drawn)
        self.bias = nnx.Param(jnp.zeros((_KERNELS, channels), jnp.float32))
        squeezed = max(channels // 4, _KERNELS)
        self.squeeze = nnx.Linear(channels, squeezed, rngs=rngs)
        self.attend = nnx.Linear(squeezed, _KERNELS, rngs=rngs)

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
        count, height, width, channels = x.shape
        seen = nnx.relu(self.squeeze(jnp.mean(x, axis=(1, 2))))
        share = nnx.softmax(self.attend(seen) / _TEMPERATURE, axis=-1)
        kernel = (share @ self.kernels[...]).reshape(count, 9 * channels, channels)
        rows = neighbourhoods(x, 1).reshape(count, height * width, 9 * channels)
        y = rows @ kernel + (share @ self.bias[...])[:, None]
        return y.reshape(x.shape)


class Head(nnx.Module):
    """A perceptron of one hidden layer whose first answer is given."""

    def __init__(
        self, inputs: int, hidden: int, answer: tuple[float, ...], rngs: nnx.Rngs
    ) -> None:
        self.hidden = nnx.Linear(inputs, hidden, rngs=rngs)
        self.out = nnx.Linear(
            hidden,
            len(answer),
            kernel_init=nnx.initializers.zeros,
            bias_init=lambda *_: jnp.array(answer, jnp.float32),
            rngs=rngs,
        )

    def __call__(self, x: Float[Array, "b c"]) -> Float[Array, "b n"]:
        return self.out(nnx.relu(self.hidden(x)))


class Network(nnx.Module):
    """Coarse heads and N layers that add to what they found (equations 5 and 6)."""

    def __init__(self, settings: Irprn, rngs: nnx.Rngs) -> None:
        width = settings.width
        self.settings = settings
        self.enter: nnx.List = nnx.List([])
        if settings.compared == "correlated":
            self.look = nnx.Linear(settings.channels, _LOOK, rngs=rngs)
            inputs = (2 * settings.reach + 1) ** 2 + 2 * _LOOK
            self.enter.append(Convolution(inputs, width, 2, rngs))
            self.enter.append(Convolution(width, width, 2, rngs))
        else:
            self.enter.append(nnx.Linear(2 * settings.channels, width, rngs=rngs))
        self.layers = nnx.List(
            DynamicConvolution(width, rngs) for _ in range(settings.layers)
        )
        pooled = width * settings.grid**2
        # No turn and no shift at first, so that every layer starts from a sane pose.
        turns = [(1.0, 0.0, 0.0, 0.0)] + [(0.0,) * 4] * settings.layers
        self.turns = nnx.List(Head(pooled, settings.hidden, t, rngs) for t in turns)
        self.shifts = nnx.List(
            Head(pooled, settings.hidden, (0.0,) * 3, rngs) for _ in turns
        )

    def __call__(
        self, first: Float[Array, "b h w c"], second: Float[Array, "b h w c"]
    ) -> tuple[Float[Array, "n b 4"], Float[Array, "n b 3"]]:
        """Returns quaternions and translations, coarse ones first.

        Args:
            first: the backbone's maps of the references.
            second: of the photographs.
        """
        if self.settings.compared == "correlated":
            first, second = (_unit(maps) for maps in (first, second))
            cosines = correlations(first, second, self.settings.reach)
            looks = [self.look(first), self.look(second)]
            x = jnp.concatenate([cosines, *looks], axis=-1)
        else:
            x = jnp.concatenate([first, second], axis=-1)
        for layer in self.enter:
            x = nnx.relu(layer(x))
        seen = [self._pooled(x)]
        for refine in self.layers:
            x = nnx.relu(refine(x)) + x
            seen.append(self._pooled(x))
        turns = [head(f) for head, f in zip(self.turns, seen, strict=True)]
        shifts = [head(f) for head, f in zip(self.shifts, seen, strict=True)]
        return jnp.cumsum(jnp.stack(turns), axis=0), jnp.cumsum(
            jnp.stack(shifts), axis=0
        )

    def _pooled(self, x: Float[Array, "b h w c"]) -> Float[Array, "b d"]:
        grid = self.settings.grid
        return resampling.area_resize(x, grid, grid).reshape(x.shape[0], -1)


def _unit(maps: Float[Array, "b h w c"]) -> Float[Array, "b h w c"]:
    """Returns maps of unit vectors about their mean: what is common says nothing."""
    return safe.normalize(maps - jnp.mean(maps, axis=(1, 2), keepdims=True))


def neighbourhoods(
    x: Float[Array, "b h w c"], stride: int
) -> Float[Array, "b h2 w2 c9"]:
    """Returns every place's 3x3 places row by row; outside there are zeros."""
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    return jnp.concatenate(
        [
            padded[:, i : i + height : stride, j : j + width : stride]
            for i in range(3)
            for j in range(3)
        ],
        axis=-1,
    )


def correlations(
    first: Float[Array, "b h w c"], second: Float[Array, "b h w c"], reach: int
) -> Float[Array, "b h w n"]:
    """Returns the products of each place with those around it in another map.

    Args:
        first: maps, [b, h, w, c].
        second: others of the same size; outside they are zero.
        reach: places to each side; there are n = (2 reach + 1)^2 products, row by row.
    """
    height, width = first.shape[1:3]
    around = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    padded = jnp.pad(second, around)
    size = (first.shape[0], height, width, first.shape[3])

    def shifted(row: int, column: int) -> Array:
        there = lax.dynamic_slice(padded, (0, row, column, 0), size)
        return jnp.sum(first * there, axis=-1)

    side = range(2 * reach + 1)
    return jnp.stack([shifted(i, j) for i in side for j in side], axis=-1)
