"""LoFTR's transformer, which tells which cells of two images belong together.

Sun et al., "LoFTR: Detector-Free Local Feature Matching with Transformers" (CVPR 2021):
its coarse stage (Secs. 3.2 and 3.3), on the cells that `loftr.py` describes. Attribute
names are the published PyTorch names. The fine stage (Sec. 3.4) is not built: it moves
matches within a cell and changes neither their number nor their confidence. Keypoints
that are not real are hidden from the others.
"""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.features.transformer import LayerNorm, Linear
from jaxsplat.matchers.assignment import dual_softmax, mutual
from jaxsplat.matchers.config import MatcherConfig, whole_side
from jaxsplat.matchers.loftr import CELL
from jaxsplat.matchers.parts import Numbered, relu
from jaxsplat.matchers.records import Keypoints, Matches

_EPSILON = 1e-5  # of all layer normalisations
_LEAST = 1e-6  # added to what the weights of an attention are divided by
_BASE = 1e4  # of the encoding's frequencies


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoftrMatcherConfig(MatcherConfig):
    """The network that is published, with all sets of weights that have a dual softmax.

    Attributes:
        depth: number of layers within the images, and of layers between them.
        heads: of each attention.
        temperature: that similarities are divided by.
        threshold: of a match's score, below which it is none.
        border: cells at each edge of an image that have no match.
        temp_bug_fix: whether the frequencies of the encoding are those that were meant,
            as for "indoor_ds_new"; other weights were trained with others by mistake.
    """

    channels: int = 256
    depth: int = 4
    heads: int = 8
    temperature: float = 0.1
    threshold: float = 0.2
    border: int = 2
    temp_bug_fix: bool = True


def encoding(
    cells: Int[Array, "*b n 2"], config: LoftrMatcherConfig
) -> Float[Array, "*b n c"]:
    """Returns sines and cosines of column and row, counted from 1 (Sec. 3.2).

    There are four channels of each frequency: sin x, cos x, sin y, cos y.
    """
    # The mistake is a quotient that was rounded to a whole number.
    step = 2 * math.log(_BASE) / config.channels if config.temp_bug_fix else 1.0
    frequencies = np.exp(-2 * step * np.arange(config.channels // 4))
    scale = jnp.asarray(frequencies.astype(np.float32))[:, None]
    angles = (cells + 1).astype(jnp.float32)[..., None, :] * scale
    waves = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return waves.reshape(*cells.shape[:-1], config.channels)


def attend_linearly(
    queries: Float[Array, "*b n h d"],
    keys: Float[Array, "*b m h d"],
    values: Float[Array, "*b m h d"],
    counted: Bool[Array, "*b m"],
) -> Float[Array, "*b n h d"]:
    """Returns the values weighted by how queries and keys agree (Sec. 3.2, Fig. 3).

    Agreement is the product of both's exponential linear units plus 1, so that no query
    meets a single key: the sums over the keys are the same for all queries.

    Args:
        queries: not scaled.
        keys: that they are compared with.
        values: that are averaged.
        counted: which keys are there.
    """
    queries, keys = jax.nn.elu(queries) + 1, jax.nn.elu(keys) + 1
    keys = jnp.where(counted[..., None, None], keys, 0.0)
    exact = lax.Precision.HIGHEST
    sums = jnp.einsum("...mhd,...mhe->...hde", keys, values, precision=exact)
    mixed = jnp.einsum("...nhd,...hde->...nhe", queries, sums, precision=exact)
    every = jnp.sum(keys, axis=-3)
    total = jnp.einsum("...nhd,...hd->...nh", queries, every, precision=exact)
    return mixed / (total + _LEAST)[..., None]


class Layer(nnx.Module):
    """Attention of cells to those of their own image, or of the other (Fig. 3)."""

    def __init__(self, config: LoftrMatcherConfig) -> None:
        c = config.channels
        self.q_proj = Linear(c, c, use_bias=False)
        self.k_proj = Linear(c, c, use_bias=False)
        self.v_proj = Linear(c, c, use_bias=False)
        self.merge = Linear(c, c, use_bias=False)
        self.mlp = Numbered(
            Linear(2 * c, 2 * c, use_bias=False),
            relu(),
            Linear(2 * c, c, use_bias=False),
        )
        self.norm1 = LayerNorm(c, _EPSILON)
        self.norm2 = LayerNorm(c, _EPSILON)
        self.heads = config.heads

    def __call__(
        self,
        x: Float[Array, "*b n c"],
        source: Float[Array, "*b m c"],
        counted: Bool[Array, "*b m"],
    ) -> Float[Array, "*b n c"]:
        """Returns the cells of `x` after the messages from those of `source`."""
        queries, keys, values = (
            y.reshape(*y.shape[:-1], self.heads, -1)
            for y in (self.q_proj(x), self.k_proj(source), self.v_proj(source))
        )
        mixed = attend_linearly(queries, keys, values, counted)
        message = self.norm1(self.merge(mixed.reshape(x.shape)))
        return x + self.norm2(self.mlp(jnp.concatenate([x, message], axis=-1)))


class Transformer(nnx.Module):
    """Layers within each image and between both, in turn."""

    def __init__(self, config: LoftrMatcherConfig) -> None:
        self.layers = nnx.List(Layer(config) for _ in range(2 * config.depth))

    def __call__(
        self,
        first: Float[Array, "*b n c"],
        second: Float[Array, "*b m c"],
        real_first: Bool[Array, "*b n"],
        real_second: Bool[Array, "*b m"],
    ) -> tuple[Float[Array, "*b n c"], Float[Array, "*b m c"]]:
        for number, layer in enumerate(self.layers):
            if number % 2 == 0:
                first = layer(first, first, real_first)
                second = layer(second, second, real_second)
            else:
                # As published, the second image sees what the first has become.
                first = layer(first, second, real_second)
                second = layer(second, first, real_first)
        return first, second


class LoftrMatcher(nnx.Module):
    """The transformer; called with the cells of two images it matches them."""

    def __init__(self, config: LoftrMatcherConfig) -> None:
        self.loftr_coarse = Transformer(config)
        self.config = config

    def __call__(self, first: Keypoints, second: Keypoints) -> Matches:
        """Returns the partners of the first images' cells."""
        found = mutual(self.logarithms(first, second), self.config.threshold)
        partner = jnp.maximum(found.partner, 0)
        is_kept = self._is_inside(first) & (found.partner >= 0)
        is_kept &= jnp.take_along_axis(self._is_inside(second), partner, axis=-1)
        return Matches(
            jnp.where(is_kept, found.partner, -1), jnp.where(is_kept, found.scores, 0.0)
        )

    def logarithms(self, first: Keypoints, second: Keypoints) -> Float[Array, "*b n m"]:
        """Returns the logarithm of every two cells' confidence (Eq. 2)."""
        x, y = (self._entered(keypoints) for keypoints in (first, second))
        x, y = self.loftr_coarse(x, y, first.real, second.real)
        scale = 1 / (self.config.channels * self.config.temperature)
        similarity = jnp.einsum(
            "...nc,...mc->...nm", x * scale, y, precision=lax.Precision.HIGHEST
        )
        real = first.real[..., :, None] & second.real[..., None, :]
        return dual_softmax(similarity, real)

    def _entered(self, keypoints: Keypoints) -> Float[Array, "*b n c"]:
        features = keypoints.descriptors * keypoints.scores[..., None]
        return features + encoding(cells_of(keypoints), self.config)

    def _is_inside(self, keypoints: Keypoints) -> Bool[Array, "*b n"]:
        """Returns which cells are not near an edge, nor beyond it."""
        cells, border = cells_of(keypoints), self.config.border
        last = jnp.array(_grid(keypoints), jnp.int32) - 1
        return jnp.all((cells >= border) & (last - cells >= border), axis=-1)


def _grid(keypoints: Keypoints) -> tuple[int, int]:
    """Returns how many columns and rows of cells `detect` makes of an image."""
    width, height = keypoints.width, keypoints.height
    return whole_side(width, CELL) // CELL, whole_side(height, CELL) // CELL


def cells_of(keypoints: Keypoints) -> Int[Array, "*b n 2"]:
    """Returns the column and row of each, from its place."""
    columns, rows = _grid(keypoints)
    scale = jnp.array([columns / keypoints.width, rows / keypoints.height], jnp.float32)
    places = keypoints.places * scale - 0.5 / CELL
    return jnp.round(places).astype(jnp.int32)
