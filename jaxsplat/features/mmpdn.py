"""PTAD's detection network (section 3.3): MMPDN.

One encoder sees the photograph and the depth that it should have; their cosine
distances at four levels (Eq. 9) are fused by a feature pyramid (Lin et al. 2017); a
two-layer MLP tells the anomaly's logit, a four-layer MLP its box.

The paper leaves open what pools the fused maps, how wide pyramid and MLPs are, and what
the box is told from. Here the logit is told from mean and largest value of every
channel of the finest fused map, and the box from their largest values by row and by
column, in which places are not lost. Encoders are the shared residual networks; their
normalisation keeps its statistics, as in fine-tuning, since a network has nothing but
parameters here.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.errors import ConfigError
from jaxsplat.features.layers import BatchNorm, Kernel
from jaxsplat.features.resnet import Block, ResNet, ResNetConfig

_EPSILON = 1e-6  # of lengths, where features vanish


@dataclasses.dataclass(frozen=True)
class MmpdnConfig:
    """Settings of the network.

    Attributes:
        encoder: shared by photograph and reference; all its layers are compared.
        side: of the square images that it takes, in pixels.
        channels: of the pyramid.
        hidden: width of the MLPs' inner layers.
        further: maps beside the cosine distances, such as the outlines' differences, at
            the finest level's size. The paper has none.
        numbers: beside the pooled channels, of the whole image. The paper has none.
    """

    encoder: ResNetConfig
    side: int = 256
    channels: int = 64
    hidden: int = 64
    further: int = 0
    numbers: int = 0

    def __post_init__(self) -> None:
        if min(self.channels, self.hidden) < 1 or min(self.further, self.numbers) < 0:
            raise ConfigError(
                f"channels {self.channels}, hidden {self.hidden}, further "
                f"{self.further}, numbers {self.numbers}: expected widths above 0"
            )
        if self.side < 32 or self.side % 32:
            raise ConfigError(f"side: found {self.side}, expected a multiple of 32")

    @property
    def cells(self) -> int:
        """Side of the finest map."""
        return self.side // self.encoder.taps[0].stride

    def build(self, rngs: nnx.Rngs) -> "Mmpdn":
        """Returns the network with random parameters."""
        return Mmpdn(self, rngs)


class Detected(NamedTuple):
    """What the network tells.

    Attributes:
        logits: above 0 for anomalies, [b].
        boxes: left, top, right, bottom as shares of the sides, [b, 4].
        maps: logits of every cell, [b, cells, cells].
    """

    logits: Float[Array, " b"]
    boxes: Float[Array, "b 4"]
    maps: Float[Array, "b m m"]


class Mmpdn(nnx.Module):
    """The network; `Detected` of photographs and references."""

    def __init__(self, config: MmpdnConfig, rngs: nnx.Rngs) -> None:
        self.config = config
        self.encoder = ResNet(config.encoder)
        draw(self.encoder, rngs.params())
        width, levels = config.channels, len(config.encoder.taps)

        def conv(inputs: int, outputs: int) -> nnx.Conv:
            return nnx.Conv(inputs, outputs, (3, 3), rngs=rngs)

        inputs = 1 + config.further
        self.lateral = nnx.List([conv(inputs, width) for _ in range(levels)])
        self.smooth = conv(width, width)
        self.map = nnx.Linear(width, 1, rngs=rngs)
        pooled = 2 * (width + 1) + config.numbers
        self.score = _mlp((pooled, config.hidden, 1), rngs)
        marginals = 2 * config.cells * (width + 1)
        hidden = (config.hidden,) * 3
        self.box = _mlp((marginals, *hidden, 4), rngs)

    def __call__(
        self,
        photographs: Float[Array, "b h w 3"],
        references: Float[Array, "b h w 3"],
        further: Float[Array, "b m m f"],
        numbers: Float[Array, "b g"],
    ) -> Detected:
        both = jnp.concatenate([photographs, references])
        maps = []
        for features in self.encoder(both):
            distance = cosine_distance(*jnp.split(features, 2))[..., None]
            extra = _pooled(further, distance.shape[1])
            maps.append(jnp.concatenate([distance, extra], axis=-1))
        fused = jnp.zeros(())
        # From the coarsest level down, each doubled to the next one's size.
        for lateral, level in zip(reversed(self.lateral), reversed(maps)):
            fused = lateral(level) + (_doubled(fused) if fused.ndim else 0.0)
        fused = nnx.relu(self.smooth(nnx.relu(fused)))
        logits = self.map(fused)
        fused = jnp.concatenate([fused, logits], axis=-1)
        pooled = [jnp.mean(fused, axis=(1, 2)), jnp.max(fused, axis=(1, 2)), numbers]
        score = self.score(jnp.concatenate(pooled, axis=-1))[:, 0]
        sides = [jnp.max(fused, axis=axis) for axis in (1, 2)]
        marginals = jnp.stack(sides, axis=1).reshape(len(fused), -1)
        return Detected(score, _corners(self.box(marginals)), logits[..., 0])


def cosine_distance(
    first: Float[Array, "b h w c"], second: Float[Array, "b h w c"]
) -> Float[Array, "b h w"]:
    """Returns 1 less the cosine of two feature maps at every cell (PTAD, Eq. 9)."""
    product = jnp.sum(first * second, axis=-1)
    lengths = (jnp.sum(f * f, axis=-1) + _EPSILON for f in (first, second))
    left, right = (jnp.sqrt(length) for length in lengths)
    return 1 - product / (left * right)


def draw(encoder: ResNet, key: PRNGKeyArray) -> None:
    """Fills an encoder that is to be trained from nothing.

    Kernels are drawn as He et al. 2015 do; normalisations do nothing at first, and the
    last one of a block is 0, so that blocks begin as shortcuts (Goyal et al. 2017).
    """
    for number, (_, part) in enumerate(nnx.iter_graph(encoder)):
        if isinstance(part, Kernel):
            shape = part[...].shape
            deviation = (2 * shape[-1] / part[...].size) ** 0.5
            noise = jax.random.normal(jax.random.fold_in(key, number), shape)
            part[...] = deviation * noise
        if isinstance(part, BatchNorm) and part.weight is not None:
            part.weight[...] = jnp.ones_like(part.weight[...])
            part.running_var[...] = jnp.ones_like(part.running_var[...])
    for _, part in nnx.iter_graph(encoder):
        if isinstance(part, Block):
            last = part.bn3 if part.bottleneck else part.bn2
            if last.weight is not None:
                last.weight[...] = jnp.zeros_like(last.weight[...])


def _mlp(widths: tuple[int, ...], rngs: nnx.Rngs) -> Callable[[Array], Array]:
    parts: list = []
    for inputs, outputs in zip(widths, widths[1:]):
        parts += [nnx.Linear(inputs, outputs, rngs=rngs), nnx.relu]
    return nnx.Sequential(*parts[:-1])


def _pooled(maps: Float[Array, "b m m f"], side: int) -> Float[Array, "b s s f"]:
    """Returns the largest values in the cells of a coarser map."""
    many, cell = maps.shape[0], maps.shape[1] // side
    cells = maps.reshape(many, side, cell, side, cell, maps.shape[-1])
    return jnp.max(cells, axis=(2, 4))


def _doubled(maps: Float[Array, "b m m c"]) -> Float[Array, "b m2 m2 c"]:
    return jnp.repeat(jnp.repeat(maps, 2, axis=1), 2, axis=2)


def _corners(raw: Float[Array, "b 4"]) -> Float[Array, "b 4"]:
    """Returns boxes, their right behind their left whatever the numbers."""
    centers, sizes = jnp.split(nnx.sigmoid(raw), 2, axis=1)
    return jnp.concatenate([centers - sizes / 2, centers + sizes / 2], axis=1)
